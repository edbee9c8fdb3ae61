"""A recipe: all settings of a published row of a table, as data."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from zoo.recipes.search import Search
from zoo.validation import check_choice, check_number

DESCRIPTION = ("published_error", "published_reference", "source", "notes", "search")
# The digests of published results were computed without these fields, which came later, at these values.
LATER = {
    "precision": "float32",
    "decay_rate": 1.0,
    "decay_steps": 1,
    "penalty_inputs": "all",
    "early_stopping_monitor": "loss",
}
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A training run as data. All values are JSON values, so a recipe can be overridden, written and read back.

    Attributes:
        name: `<dataset>_<network>-<method>`.
        dataset: name for `zoo.datasets.load`.
        network: `{"name": ..., **options}`, the name one of `zoo.recipes.network.NETWORKS`.
        regularizers: `{name: hyperparameters}` for `zoo.regularizers.build`.
        ladder: options of `zoo.LadderNetwork`, with `adversarial_noise` as a dictionary. Empty for other models.
        preprocessing: list of `{"name": ..., **options}` for `zoo.layers.build_preprocessing`.
        optimizer: `{"name": ..., **options}` of Keras, such as `{"name": "sgd", "momentum": 0.9}`.
        learning_rate: initial learning rate, above 0.
        schedule: `"cosine"` or `"linear"`, which reach zero at the last step, `"exponential"`, or `"constant"`.
        decay_start: fraction of the steps after which the linear decay begins, 0 to 1.
        decay_rate: factor of the learning rate after every `decay_steps` steps of the exponential schedule, above 0 and
            at most 1.
        decay_steps: steps between these decays, at least 1.
        epochs: at least 1.
        batch_size: labeled inputs in a batch, at least 1.
        num_labels: size of a class-balanced labeled subset, at least 1. None uses all labels. An epoch has as many
            steps as an epoch over the whole training set.
        unlabeled_batch_size: unlabeled inputs in a batch, drawn from the whole training set, at least 0. 0 trains on
            the labeled inputs only.
        penalty_inputs: `"all"`, or `"unlabeled"` for penalties on the unlabeled inputs alone, see `RegularizedModel`.
        label_smoothing: ε, 0 to 1. The targets are `1 − (k − 1)ε/k` and `ε/k`, where k is the number of classes.
        reestimate_statistics: whether the statistics of batch normalization are averaged at the end over the inputs of
            the training: the unlabeled ones if there are any, unless a ladder has `statistics_of="labeled"`.
        num_validation: training examples held out for validation, at least 0.
        early_stopping_monitor: `"loss"` or `"error"` on the validation examples, which early stopping watches.
        early_stopping_patience: epochs without a lower value of it after which training stops and restores the best
            weights, at least 0. 0 never stops.
        precision: dtype policy of the network's layers in training: `"float32"`, `"mixed_bfloat16"` or
            `"mixed_float16"`. Weights, batch statistics, loss, penalties and optimizer use float32, and so does the
            trained network when its errors are measured and when it is exported.
        num_members: networks in the ensemble, each trained on its own, at least 1. 1 is a single network.
        bagging: whether each member trains on its own bootstrap sample.
        ensemble_mean: `"arithmetic"` or `"geometric"` mean of the predictions of the members.
        published_error: test error in percent that a paper reports, or None.
        published_reference: `{"recipe": name, "error": percent}`: the recipe without the method in question, and the
            error that the same source reports for it. Empty if the table of results has one reference for all rows.
        source: the publication that reports it.
        notes: remarks, such as the origin of hyperparameters that no search chose.
        search: arguments of the `zoo.recipes.search.Search` that chose hyperparameters, for `trainers.tune`. Empty if
            there was none.

    Raises:
        TypeError: a field has the wrong type.
        ValueError: a field is out of range, or two fields exclude each other.

    Example:
        >>> from zoo.recipes import Recipe
        >>> recipe = Recipe(name="mine_mlp-vat", dataset="mnist", network={"name": "mlp"}, epochs=5)
        >>> recipe.override({"regularizers.vat.epsilon": 1.0}).regularizers
        {'vat': {'epsilon': 1.0}}
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
    decay_rate: float = 1.0
    decay_steps: int = 1
    epochs: int = 100
    batch_size: int = 100
    num_labels: int | None = None
    unlabeled_batch_size: int = 0
    penalty_inputs: str = "all"
    label_smoothing: float = 0.0
    reestimate_statistics: bool = False
    num_validation: int = 0
    early_stopping_patience: int = 0
    early_stopping_monitor: str = "loss"
    precision: str = "float32"
    num_members: int = 1
    bagging: bool = False
    ensemble_mean: str = "arithmetic"
    published_error: float | None = None
    published_reference: dict = dataclasses.field(default_factory=dict)
    source: str = ""
    notes: str = ""
    search: dict = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Checks the fields."""
        self._check_types()
        self._check_values()
        self._check_combinations()

    def _check_types(self):
        for field in dataclasses.fields(self):
            kind = {dict: dict, list: list, str: str, bool: bool}.get(field.type)
            value = getattr(self, field.name)
            if kind is not None and not isinstance(value, kind):
                raise TypeError(f"The recipe field {field.name!r} must be {kind.__name__}, received {value!r}.")

    def _check_values(self):
        if not re.fullmatch(r"\w[\w.+-]*", self.name):  # folders are named after it
            raise ValueError(f"The name of a recipe consists of letters, digits and . + - _, received {self.name!r}.")
        check_number("learning_rate", self.learning_rate, above=0)
        check_choice("schedule", self.schedule, ("cosine", "linear", "exponential", "constant"))
        check_number("decay_start", self.decay_start, 0, 1)
        check_number("decay_rate", self.decay_rate, maximum=1, above=0)
        check_choice("penalty_inputs", self.penalty_inputs, ("all", "unlabeled"))
        check_choice("early_stopping_monitor", self.early_stopping_monitor, ("loss", "error"))
        check_choice("precision", self.precision, PRECISIONS)
        check_choice("ensemble_mean", self.ensemble_mean, ("arithmetic", "geometric"))
        for field in ("epochs", "batch_size", "num_members", "decay_steps"):
            check_number(field, getattr(self, field), 1, integer=True)
        for field in ("num_validation", "early_stopping_patience", "unlabeled_batch_size"):
            check_number(field, getattr(self, field), 0, integer=True)
        check_number("label_smoothing", self.label_smoothing, 0, 1)
        if self.num_labels is not None:
            check_number("num_labels", self.num_labels, 1, integer=True)
        if self.published_error is not None:
            check_number("published_error", self.published_error, 0, 100)
        if self.search:
            Search.from_data(self.search)

    def _check_combinations(self):
        if self.early_stopping_patience and not self.num_validation:
            raise ValueError("early_stopping_patience needs num_validation above 0, received 0.")
        if self.penalty_inputs == "unlabeled" and not self.unlabeled_batch_size:
            raise ValueError('penalty_inputs="unlabeled" needs unlabeled_batch_size above 0, received 0.')
        if self.ladder and self.regularizers:
            raise ValueError(f"A ladder takes no regularizers, received {', '.join(map(repr, self.regularizers))}.")

    def override(self, assignments: Mapping[str, Any]) -> "Recipe":
        """Returns a copy with some fields changed. A change of name or data set removes the published error.

        Args:
            assignments: `{field: value}`. A field may be a dotted path, such as `"regularizers.vat.epsilon"`.

        Raises:
            TypeError: a value has the wrong type.
            ValueError: a field is unknown, or a value is out of range.
        """
        values = self.as_dict()
        if any(assignments.get(field, values[field]) != values[field] for field in ("name", "dataset")):
            values.update(published_error=None, published_reference={}, source="no published figure")
        for path, value in assignments.items():
            field, *rest = path.split(".")
            check_choice("recipe field", field, values)
            _assign(values, [field, *rest], value, path)
        return Recipe(**values)

    def as_dict(self) -> dict[str, Any]:
        """Returns the fields as a dictionary of JSON values."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    def digest(self) -> str:
        """Returns twelve hexadecimal digits that identify the settings."""
        return hashlib.sha256(json.dumps(self.settings(), sort_keys=True).encode()).hexdigest()[:12]

    def settings(self) -> dict[str, Any]:
        """Returns the fields that determine the training, without published error, source, notes and search."""
        settings = {field: value for field, value in self.as_dict().items() if field not in DESCRIPTION}
        return {field: value for field, value in settings.items() if field not in LATER or value != LATER[field]}


def _assign(container: Any, keys: list[str], value: Any, path: str) -> None:
    """Sets `container[keys[0]][keys[1]]… = value` and creates missing dictionaries on the way."""
    *parents, last = keys
    for key in parents:
        place = _place(container, key, path)
        container = container[place] if isinstance(container, list) else container.setdefault(place, {})
        if not isinstance(container, (dict, list)):
            raise ValueError(f"The recipe field {path!r} leads into {key!r}, which holds {container!r}.")
    container[_place(container, last, path)] = value


def _place(container: Any, key: str, path: str) -> Any:
    """The key of a dictionary, or the index of a list, that one component of a path names."""
    if isinstance(container, dict):
        return key
    if not key.isdecimal() or int(key) >= len(container):
        places = f"its places are 0 to {len(container) - 1}" if container else "it has no places"
        raise ValueError(
            f"The recipe field {path!r} leads into a list of {len(container)}: {places}, received {key!r}."
        )
    return int(key)
