"""The table of methods and data sets: test errors, error under attack, step time.

`docs.method_table` writes it into the README, and `trainers.report` onto its page.
"""

import dataclasses
import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from trainers.results.markdown import as_size
from trainers.results.statistics import mean_and_spread
from trainers.results.tables import changed_settings, comparable_errors, errors_by_seed
from zoo.pretrained.card import AUTO_ATTACK

METHODS = {  # by the last part of the names of its recipes
    "baseline": "none",
    "dropout": "dropout",
    "input_noise": "Gaussian input noise",
    "label_smoothing": "label smoothing",
    "augmentation": "augmentation",
    "ensemble": "ensemble of five",
    "at_linf": "AT, L∞",
    "at_l2": "AT, L2",
    "at_pgd": "AT, PGD",
    "trades": "TRADES",
    "mart": "MART",
    "awp": "AWP alone (SAM)",
    "vat": "VAT",
    "vmt_shift": "VMT, shift",
    "vmt_rotation": "VMT, rotation",
    "vmt_scale": "VMT, scale",
    "vmt_all": "VMT, all three",
    "vmt_smooth": "VMT, smooth",
    "tangent_shift": "tangent propagation, shift",
    "vat_vmt_shift": "VAT + VMT, shift",
    "vat_vmt_all": "VAT + VMT, all",
    "vat_vmt_smooth": "VAT + VMT, smooth",
    "vat_vmt_shift_ensemble": "ensemble of VAT + VMT, shift",
    "smoothness": "smoothness",
    "jacobian": "Jacobian penalty",
    "full": "ladder network",
    "adversarial": "ladder, adversarial noise",
}
CIFAR10 = ("cifar10_conv_small-*", "cifar10_conv_small_30ep-*")  # the published number of epochs first
STEP_FILES = ("mnist_mlp-jax-cpu.json", "ladder-jax-cpu.json")
STEP_NAMES = {"jacobian": "jacobian_1", "full": "ladder", "adversarial": "ladder_adversarial"}  # where they differ
ATTACKED = "MNIST"  # the column whose models are attacked


class Figure(NamedTuple):
    """The test error of a method on a data set.

    Attributes:
        recipe: its name.
        errors: in percent, one per seed.
        published: in percent, or None.
        compared: the errors to compare with the published one, see `comparable_errors`.
    """

    recipe: str
    errors: tuple[float, ...]
    published: float | None
    compared: tuple[float, ...]

    @property
    def is_better(self) -> bool:
        """Whether the mean error is below the published one."""
        return self.published is not None and mean_and_spread(self.compared)[0] < self.published


class Attacked(NamedTuple):
    """The error of a published model under attack.

    Attributes:
        error: in percent.
        settings: of the attack.
    """

    error: float
    settings: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class MethodTable:
    """What the table of methods is made of.

    Attributes:
        results: `{recipe name: content of its file}`, from `read_results`.
        analyses: `{model name: content of its file}`, from `read_analyses`.
        steps: content of the files of step times, from `read_step_times`.
    """

    results: Mapping[str, Mapping[str, Any]]
    analyses: Mapping[str, Mapping[str, Any]]
    steps: Sequence[Mapping[str, Any]]

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """`{heading: the names of its recipes, with * for the method}`."""
        return {
            "synthetic": ("synthetic_mlp-*",),
            "MNIST": ("mnist_mlp-*", "mnist_ladder-all_*"),
            "MNIST, 100 labels": ("mnist_mlp1200-*_100", "mnist_ladder-100_*"),
            "CIFAR-10": (self.cifar10,),
        }

    @property
    def cifar10(self) -> str:
        """The family of CIFAR-10 recipes in the table: the one that has results of more methods."""
        return max(
            CIFAR10, key=lambda names: sum(self.content(names.replace("*", each)) is not None for each in METHODS)
        )

    @property
    def methods(self) -> list[str]:
        """The methods that have a result in some column."""
        return [method for method in METHODS if any(self.names(column, method) for column in self.columns)]

    def content(self, name: str) -> Mapping[str, Any] | None:
        """The results of a recipe; None if there are none, or only those of other settings."""
        content = self.results.get(name)
        return None if content is None or changed_settings(dict(content["recipe"])) else content

    def names(self, column: str, method: str) -> list[str]:
        """The names of the recipes of a method in a column that have results: one or none."""
        names = (pattern.replace("*", method) for pattern in self.columns[column])
        return [name for name in names if self.content(name) is not None]

    def contents(self, columns: Iterable[str] | None = None) -> list[Mapping[str, Any]]:
        """The results of all methods in some columns, or in all."""
        chosen = self.columns if columns is None else columns
        return [self.results[name] for column in chosen for method in METHODS for name in self.names(column, method)]

    def figure(self, column: str, method: str) -> Figure | None:
        """The error of a method in a column; None without results."""
        for name in self.names(column, method):
            content = self.results[name]
            errors, compared = errors_by_seed(dict(content)).values(), comparable_errors(dict(content))
            return Figure(name, tuple(errors), content["recipe"]["published_error"], tuple(compared))
        return None

    def attacked(self, method: str) -> Attacked | None:
        """The error under attack of the published model of a method; None if it was not measured."""
        for pattern in self.columns[ATTACKED]:
            found = self.analyses.get(pattern.replace("*", method), {}).get("errors", {}).get(AUTO_ATTACK)
            if found:
                return Attacked(found["error"], found["settings"])
        return None

    def step_ratio(self, method: str) -> float | None:
        """The time of a training step as a multiple of that of the plain network; None if it was not measured."""
        name = STEP_NAMES.get(method, method)
        return next((each["methods"][name]["ratio"] for each in self.steps if name in each["methods"]), None)

    def about_attack(self) -> str:
        """What the column of errors under attack is; empty if no model was attacked."""
        found = [attacked for method in METHODS if (attacked := self.attacked(method))]
        if not found:
            return ""
        sizes = " or ".join(as_size(size) for size in sorted({each.settings["size"] for each in found}))
        nums = " or ".join(map(str, sorted({each.settings["num_examples"] for each in found})))
        return (
            f"Error under attack: AutoAttack in its standard version with L∞ norm {sizes} (pixels from 0 to 1), on the "
            f"pretrained {ATTACKED} model of one seed, {nums} test images."
        )

    def about_steps(self) -> str:
        """What the column of step times is; empty if none was measured."""
        if not self.steps:
            return ""
        first = self.steps[0]
        return (
            "Step time: the time of a step divided by that of a plain step of the MNIST network, on JAX, batches of "
            f"{first['batch_size']}, {first['device']}; for ladders, by that of a supervised step of their encoder."
        )


def read_step_times(directory: str | pathlib.Path) -> list[dict[str, Any]]:
    """Reads the files of step times that the table shows.

    Args:
        directory: the folder that `benchmarks` writes; a missing file has no times.

    Raises:
        ValueError: a file is damaged.
    """
    steps = []
    for path in (pathlib.Path(directory) / name for name in STEP_FILES):
        if not path.is_file():
            continue
        try:
            content = json.loads(path.read_text())
            [float(times["ratio"]) for times in content["methods"].values()]
            steps.append({"device": content["device"], "batch_size": content["batch_size"], **content})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} holds no step times ({error!r}). Measure them again.") from error
    return steps
