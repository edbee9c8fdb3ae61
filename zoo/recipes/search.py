"""A search for hyperparameters as data: the values of recipe fields to try, and how to compare them."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Self

from zoo.validation import check_choice, check_number

ENGINES = ("bayesian", "grid", "random")
SAMPLINGS = ("linear", "log")
FIRST_SEED = 1000


@dataclasses.dataclass(frozen=True)
class Search:
    """The trials of a search. A trial trains one choice of values with several seeds and measures validation errors.

    Attributes:
        space: `{path of a recipe field: domain}`. A domain is `{"values": [...]}` with any JSON values, or a range
            `{"min": a, "max": b, "sampling": "linear" or "log"}` that includes both ends. If both ends are integers,
            the range contains integers only.
        engine: `"grid"` tries every combination; a range gives ten values, evenly spaced on its scale, or all its
            integers on a linear scale. `"random"` draws values. `"bayesian"` minimizes the lower confidence bound of a
            Gaussian process.
        num_trials: largest number of trials. None is the whole grid, or 20 trials of another engine.
        num_seeds: trainings of a trial, with the seeds 1000, 1001, …, which no result uses.
        num_validation: examples held out of the training set if the recipe itself holds out none. The synthetic set
            has a different draw for each seed, and its validation examples come from the rest of that draw.
        epochs: epochs of a training, or None for those of the recipe.
        seed: integer from which the engine draws its choices, at least 0.

    Raises:
        TypeError: a value has the wrong type.
        ValueError: a value is out of range.

    Example:
        >>> from zoo.recipes.search import Search
        >>> search = Search({"regularizers.vat.epsilon": {"values": [0.5, 1.0]}}, engine="grid", num_seeds=2)
        >>> list(search.seeds)
        [1000, 1001]
    """

    space: dict[str, Any]
    engine: str = "random"
    num_trials: int | None = None
    num_seeds: int = 1
    num_validation: int = 10000
    epochs: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Checks the fields."""
        check_choice("engine", self.engine, ENGINES)
        for field in ("num_seeds", "num_validation"):
            check_number(field, getattr(self, field), 1, integer=True)
        for field in ("num_trials", "epochs"):
            if getattr(self, field) is not None:
                check_number(field, getattr(self, field), 1, integer=True)
        check_number("seed", self.seed, 0, integer=True)
        if not isinstance(self.space, dict) or not self.space:
            raise ValueError(f"space must name at least one recipe field and its values, received {self.space!r}.")
        for path, domain in self.space.items():
            check_domain(path, domain)

    @property
    def seeds(self) -> range:
        """The seeds of the trainings of a trial."""
        return range(FIRST_SEED, FIRST_SEED + self.num_seeds)

    @classmethod
    def from_data(cls, settings: dict[str, Any]) -> Self:
        """Makes the search that the field `search` of a recipe describes.

        Args:
            settings: the fields by name. Missing ones have their defaults.

        Raises:
            TypeError: a value has the wrong type.
            ValueError: a key is unknown, or a value is out of range.
        """
        for key in settings:
            check_choice("key of search", key, [field.name for field in dataclasses.fields(cls)])
        return cls(**{"space": {}, **settings})


def check_domain(path: str, domain: Any) -> None:
    """Checks the domain of one field.

    Args:
        path: path of the field, for the messages.
        domain: `{"values": [...]}` or `{"min": a, "max": b, "sampling": ...}`.

    Raises:
        TypeError: the domain is not a dictionary, or an end of the range is not a number.
        ValueError: a key is unknown, the values are not a list of different values, or the range is empty.

    Example:
        >>> from zoo.recipes.search import check_domain
        >>> check_domain("epochs", {"min": 20, "max": 10})
        Traceback (most recent call last):
        ValueError: max of epochs must be above 20, received 10.
    """
    if not isinstance(domain, dict):
        raise TypeError(f'The space of {path} must be {{"values": [...]}} or {{"min", "max"}}, received {domain!r}.')
    for key in domain:
        check_choice(f"key in the space of {path}", key, ("max", "min", "sampling", "values"))
    if "values" in domain:
        values = domain["values"]
        distinct = isinstance(values, list) and all(value not in values[:at] for at, value in enumerate(values))
        if len(domain) > 1 or not distinct or not values:
            raise ValueError(
                f"The values of {path} must be a list of different values, without other keys, received {domain!r}."
            )
        return
    low = check_number(f"min of {path}", domain.get("min"))
    check_number(f"max of {path}", domain.get("max"), above=low)
    if check_choice(f"sampling of {path}", domain.get("sampling", "linear"), SAMPLINGS) == "log":
        check_number(f"min of {path}, sampled by its logarithm,", low, above=0)


def ends(domain: dict[str, Any]) -> list[Any]:
    """Returns the listed values of a domain, or the two ends of a range. If a recipe allows them, it allows all values.

    Args:
        domain: the domain.

    Example:
        >>> from zoo.recipes.search import ends
        >>> ends({"min": 0.01, "max": 10.0, "sampling": "log"})
        [0.01, 10.0]
    """
    return domain["values"] if "values" in domain else [domain["min"], domain["max"]]


def is_whole(domain: dict[str, Any]) -> bool:
    """Whether a range contains integers only.

    Args:
        domain: the range.

    Example:
        >>> from zoo.recipes.search import is_whole
        >>> is_whole({"min": 1, "max": 8}), is_whole({"min": 1.0, "max": 8.0})
        (True, False)
    """
    return isinstance(domain["min"], int) and isinstance(domain["max"], int)


def grid(path: str, values: Sequence[Any], **settings: Any) -> dict[str, Any]:
    """Describes a grid search over listed values of one field as data.

    Args:
        path: path of the recipe field.
        values: the values to try.
        **settings: other fields of `Search`.

    Example:
        >>> from zoo.recipes.search import grid
        >>> grid("epochs", [5, 10], num_seeds=2)
        {'space': {'epochs': {'values': [5, 10]}}, 'engine': 'grid', 'num_seeds': 2}
    """
    return {"space": {path: {"values": list(values)}}, "engine": "grid", **settings}
