"""A search for hyperparameters as data: which values of which recipe fields, and how they are compared."""

import dataclasses

from zoo.validation import check_choice, check_number

ENGINES = ("bayesian", "grid", "random")
SAMPLINGS = ("linear", "log")
FIRST_SEED = 1000


@dataclasses.dataclass(frozen=True)
class Search:
    """Which trials to run; a trial is one choice of values, trained with several seeds and measured on validation data.

    Attributes:
        space: `{path of a recipe field: domain}`. A domain is `{"values": [...]}`, any JSON values, or a range
            `{"min": a, "max": b, "sampling": "linear" or "log"}` with both ends included; two whole ends make a range
            of whole numbers.
        engine: `"grid"`, every combination, a range standing for ten values spread evenly over its scale, or for all
            its whole numbers on a linear one; `"random"`; or `"bayesian"`, the lower confidence bound of a Gaussian
            process.
        num_trials: at most; None is a whole grid, or 20 trials of another engine.
        num_seeds: trainings of a trial, with the seeds 1000, 1001, …, whose data no result uses.
        num_validation: examples held out of the training set, of a recipe that holds out none itself. The synthetic
            set has a draw of its own for each seed, whose other signals these are.
        epochs: of a training, in place of the recipe's; None keeps them.
        seed: of the engine's own choices, at least 0.

    Raises:
        TypeError, ValueError: a value out of its range, with what is allowed and the nearest name.
    """

    space: dict
    engine: str = "random"
    num_trials: int | None = None
    num_seeds: int = 1
    num_validation: int = 10000
    epochs: int | None = None
    seed: int = 0

    def __post_init__(self):
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
    def seeds(self):
        """The seeds of a trial's trainings."""
        return range(FIRST_SEED, FIRST_SEED + self.num_seeds)

    @classmethod
    def from_data(cls, settings):
        """The search that a recipe's `search` field describes.

        Raises:
            TypeError, ValueError: an unknown key, with the nearest one, or a value out of its range.
        """
        for key in settings:
            check_choice("key of search", key, [field.name for field in dataclasses.fields(cls)])
        return cls(**{"space": {}, **settings})


def check_domain(path, domain):
    """Checks the domain of one field; the messages name the field.

    Raises:
        TypeError, ValueError: it is no domain.
    """
    if not isinstance(domain, dict):
        raise TypeError(f'The space of {path} must be {{"values": [...]}} or {{"min", "max"}}, received {domain!r}.')
    for key in domain:
        check_choice(f"key in the space of {path}", key, ("max", "min", "sampling", "values"))
    if "values" in domain:
        values = domain["values"]
        distinct = isinstance(values, list) and all(value not in values[:at] for at, value in enumerate(values))
        if len(domain) > 1 or not distinct or not values:
            raise ValueError(f"The values of {path} must be a list of different ones, alone, received {domain!r}.")
        return
    low = check_number(f"min of {path}", domain.get("min"))
    check_number(f"max of {path}", domain.get("max"), above=low)
    if check_choice(f"sampling of {path}", domain.get("sampling", "linear"), SAMPLINGS) == "log":
        check_number(f"min of {path}, sampled by its logarithm,", low, above=0)


def ends(domain):
    """The values of a domain that must be possible for all to be: each one listed, or the two ends of a range."""
    return domain["values"] if "values" in domain else [domain["min"], domain["max"]]


def is_whole(domain):
    """Whether a range holds whole numbers only."""
    return isinstance(domain["min"], int) and isinstance(domain["max"], int)


def grid(path, values, **settings):
    """The data of a search through listed values of one field."""
    return {"space": {path: {"values": list(values)}}, "engine": "grid", **settings}
