"""What a recipe is: everything that a published row of a table ran, as data."""

import dataclasses
import hashlib
import json
import re
from typing import Any

from zoo.recipes.search import Search
from zoo.validation import check_choice, check_number

DESCRIPTION = ("published_error", "source", "notes", "search")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A training run as data: JSON values only, so that it can be overridden, written down and read back.

    Attributes:
        name: `<dataset>_<network>-<method>`.
        dataset: name for `zoo.datasets.load`.
        network: `{"name": ..., **options}` for `zoo.networks.build`.
        regularizers: `{method: hyperparameters}` for `zoo.regularizers.build`.
        ladder: options of `zoo.LadderNetwork`, `adversarial_noise` being those of its noise; empty for all else.
        preprocessing: list of `{"name": ..., **options}` for `zoo.layers.build_preprocessing`.
        optimizer: Keras name, with its options: `{"name": "sgd", "momentum": 0.9}`.
        learning_rate: at the start, above 0.
        schedule: `"cosine"` or `"linear"` to zero at the last step, or `"constant"`.
        decay_start: share of the steps after which the linear decay begins, from 0 to 1.
        epochs, batch_size: at least 1.
        num_labels: size of a class-balanced labeled subset; None uses all labels. An epoch has as many steps as one
            over the whole training set.
        unlabeled_batch_size: inputs of the whole training set in a batch that go without labels, beside the labeled
            ones; 0 trains on the labeled ones alone.
        label_smoothing: ε: targets `ε/k` and `1 − (k − 1)ε/k`; 0 to 1.
        reestimate_statistics: whether batch normalization's statistics are averaged over the training set at the end.
        num_validation: training examples held out for validation.
        early_stopping_patience: epochs without a lower validation loss before training stops and the best weights
            come back; 0 never stops.
        precision: `"float32"`, `"mixed_bfloat16"` or `"mixed_float16"`: the type in which the network's layers compute
            in training. Weights, batch statistics, loss, penalties and optimizer stay in float32, and so does
            everything about the trained network: its errors and its SavedModel.
        num_members: networks in the ensemble, each trained by itself; 1 is a single network.
        bagging: whether each member trains on a bootstrap sample of its own.
        ensemble_mean: `"arithmetic"` or `"geometric"` mean of the members' predictions.
        published_error: test error in per cent that a paper reports, or None.
        source: where it is reported.
        notes: what else there is to know, such as where hyperparameters come from that no search chose.
        search: how the hyperparameters were chosen, arguments of `zoo.recipes.search.Search`; `trainers.tune` runs it.
            Empty where there was none.
    """

    name: str
    dataset: str
    network: dict
    regularizers: dict = dataclasses.field(default_factory=dict)
    ladder: dict = dataclasses.field(default_factory=dict)
    preprocessing: list = dataclasses.field(default_factory=list)
    optimizer: dict = dataclasses.field(default_factory=lambda: {"name": "adam"})
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    decay_start: float = 0.0
    epochs: int = 100
    batch_size: int = 100
    num_labels: int | None = None
    unlabeled_batch_size: int = 0
    label_smoothing: float = 0.0
    reestimate_statistics: bool = False
    num_validation: int = 0
    early_stopping_patience: int = 0
    precision: str = "float32"
    num_members: int = 1
    bagging: bool = False
    ensemble_mean: str = "arithmetic"
    published_error: float | None = None
    source: str = ""
    notes: str = ""
    search: dict = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        for field in dataclasses.fields(self):
            kind = {dict: dict, list: list, str: str, bool: bool}.get(field.type)
            value = getattr(self, field.name)
            if kind is not None and not isinstance(value, kind):
                raise TypeError(f"The recipe field {field.name!r} must be {kind.__name__}, received {value!r}.")
        if not re.fullmatch(r"\w[\w.+-]*", self.name):  # it becomes the name of folders
            raise ValueError(f"A recipe's name has letters, digits and . + - _ only, received {self.name!r}.")
        check_number("learning_rate", self.learning_rate, above=0)
        check_choice("schedule", self.schedule, ("cosine", "linear", "constant"))
        check_number("decay_start", self.decay_start, 0, 1)
        check_choice("precision", self.precision, PRECISIONS)
        check_choice("ensemble_mean", self.ensemble_mean, ("arithmetic", "geometric"))
        for field in ("epochs", "batch_size", "num_members"):
            check_number(field, getattr(self, field), 1, integer=True)
        for field in ("num_validation", "early_stopping_patience", "unlabeled_batch_size"):
            check_number(field, getattr(self, field), 0, integer=True)
        check_number("label_smoothing", self.label_smoothing, 0, 1)
        if self.num_labels is not None:
            check_number("num_labels", self.num_labels, 1, integer=True)
        if self.published_error is not None:
            check_number("published_error", self.published_error, 0, 100)
        if self.early_stopping_patience and not self.num_validation:
            raise ValueError("early_stopping_patience needs num_validation above 0, received 0.")
        if self.ladder and self.regularizers:
            raise ValueError(f"A ladder takes no regularizers, received {', '.join(map(repr, self.regularizers))}.")
        if self.search:
            Search.from_data(self.search)

    def override(self, assignments):
        """A copy with some fields changed; under another name, or on other data, it has no published error beside it.

        Args:
            assignments: mapping from a field, or a dotted path into one (`"regularizers.vat.epsilon"`), to its value.

        Raises:
            ValueError: an unknown field or a value out of its range, with the nearest name.
        """
        values = self.as_dict()
        if any(assignments.get(field, values[field]) != values[field] for field in ("name", "dataset")):
            values.update(published_error=None, source="no published figure")
        for path, value in assignments.items():
            field, *rest = path.split(".")
            check_choice("recipe field", field, values)
            _assign(values, [field, *rest], value, path)
        return Recipe(**values)

    def as_dict(self):
        """The fields as a dictionary that JSON can hold."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    def digest(self):
        """Twelve hexadecimal digits that tell these settings from others."""
        return hashlib.sha256(json.dumps(self.settings(), sort_keys=True).encode()).hexdigest()[:12]

    def settings(self):
        """The fields that decide what runs, without the texts and figures about it."""
        settings = {field: value for field, value in self.as_dict().items() if field not in DESCRIPTION}
        if self.precision == "float32":
            del settings["precision"]  # it is younger than the digests in the results
        return settings


def _assign(container: Any, keys, value, path):
    """Sets `container[keys[0]][keys[1]]… = value`, making what is missing between."""
    *parents, last = keys
    for key in parents:
        place = _place(container, key, path)
        container = container[place] if isinstance(container, list) else container.setdefault(place, {})
        if not isinstance(container, (dict, list)):
            raise ValueError(f"The recipe field {path!r} leads into {key!r}, which holds {container!r}.")
    container[_place(container, last, path)] = value


def _place(container, key, path):
    """The key of a dictionary, or the index of a list, that a part of a path stands for."""
    if isinstance(container, dict):
        return key
    if not key.isdecimal() or int(key) >= len(container):
        places = f"its places are 0 to {len(container) - 1}" if container else "it has no places"
        raise ValueError(
            f"The recipe field {path!r} leads into a list of {len(container)}: {places}, received {key!r}."
        )
    return int(key)
