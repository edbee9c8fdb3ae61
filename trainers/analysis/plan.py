"""The plan of an analysis: which attacks, measures and curves, of what size, on how many examples."""

from typing import Any

from zoo.datasets import Dataset
from zoo.pretrained.card import AUTO_ATTACK

NUM_ITERATED = 1000
PGD = {"num_steps": 20, "step_size": "2.5 * size / num_steps", "random_start": True}
ITERATED: dict[str, dict[str, Any]] = {
    "pgd_l2": PGD,
    "pgd_linf": PGD,
    "virtual_adversarial": {"num_power_iterations": 10},
    AUTO_ATTACK: {"num_steps": 100, "num_queries": 5000},
}
NUM_AUTO_ATTACK = 300  # an image that resists takes seconds: AutoAttack makes 7000 queries
UNCLIPPED = ("sign", "gaussian_sign")  # the noise of the thesis leaves the range of pixels

# Sizes for pixels from 0 to 1 and for raw signals. They were chosen before any measurement, so that most undefended
# networks fail sometimes but not always. Those of sign and gaussian_sign on images are from the thesis.
IMAGES = {
    "gaussian_noise": 0.3,
    "fgsm_linf": 0.1,
    "pgd_l2": 1.0,
    "pgd_linf": 0.1,
    AUTO_ATTACK: 0.1,
    "sign": 0.25,
    "gaussian_sign": 0.25,
    "virtual_adversarial": 1.0,
    "shift": 3.0,
    "rotation": 20.0,
    "scale": 0.2,
}
SIZES = {
    "cifar10": {
        **IMAGES,
        "gaussian_noise": 0.1,
        "fgsm_linf": 2 / 255,
        "pgd_l2": 0.25,
        "pgd_linf": 2 / 255,
        AUTO_ATTACK: 2 / 255,
        "virtual_adversarial": 0.25,
    },
    "synthetic": {
        "gaussian_noise": 0.1,
        "fgsm_linf": 0.01,
        "pgd_l2": 0.1,
        "pgd_linf": 0.01,
        "sign": 0.02,
        "gaussian_sign": 0.02,
        "virtual_adversarial": 0.1,
        "shift": 2.0,
        "scale": 0.005,
    },
}
FUNCTIONS = {"fgsm_linf": "sign"}
# Sizes in L∞ of the curve of a data set of images. Its attack is that of the first two parts of AutoAttack.
CURVES = {"mnist": [0.0, 0.05, 0.1, 0.15, 0.2, 0.3], "cifar10": [n / 255 for n in (0, 0.5, 1, 2, 4, 8)]}
NUM_IN_CURVE = 300
PARTS = [{"loss": "ce", "num_steps": 100}, {"loss": "dlr", "num_targets": 9, "num_steps": 100}]
JACOBIAN = ("jacobian_frobenius_squared", "jacobian_largest_eigenvalue", "fisher_largest_eigenvalue")
SIGNAL_FIELDS = ("shift", "scale", "smooth")
IMAGE_FIELDS = ("shift", "rotation", "scale", "affine", "smooth")
SMOOTHNESS = {
    "smoothness": {"epsilon": 0.1},
    "smoothness_adversarial": {"epsilon": 0.1, "direction": "adversarial", "num_power_iterations": 10},
    "smoothness_kl": {"epsilon": 0.1, "divergence": "kl"},
}


def is_image(dataset: Dataset) -> bool:
    """Whether a data set holds images, with pixels from 0 to 255."""
    return dataset.x_test.ndim > 2


def attack_sizes(name: str, is_image: bool) -> dict[str, float]:
    """The size of each attack and movement for a data set.

    Args:
        name: of the data set, perhaps with a version.
        is_image: whether it holds images.
    """
    return SIZES.get(name.partition(":")[0], IMAGES if is_image else SIZES["synthetic"])


def plan(dataset: Dataset, num_examples: int | None = None) -> dict[str, dict[str, dict[str, Any]]]:
    """The settings of all measurements of models of a data set.

    Args:
        dataset: to measure on.
        num_examples: use the first examples of the test set; None uses `NUM_AUTO_ATTACK` for AutoAttack, `NUM_IN_CURVE`
            for curves, `NUM_ITERATED` for other iterated attacks and gradients, and all for the rest. Clean error,
            calibration and generalization gap always use all examples.

    Returns:
        `{"errors": {name: settings}, "measures": {name: settings}, "curves": {name: settings}}`.
    """
    every = len(dataset.x_test)
    iterated = min(num_examples or NUM_ITERATED, every)
    sizes = attack_sizes(dataset.name, is_image(dataset))
    gradients = {"num_examples": iterated}
    measures = {
        **dict.fromkeys(JACOBIAN, gradients),
        **{f"worst_{field}": gradients for field in (IMAGE_FIELDS if is_image(dataset) else SIGNAL_FIELDS)},
        "local_distributional_smoothness": {
            **gradients,
            "epsilon": sizes["virtual_adversarial"],
            **ITERATED["virtual_adversarial"],
        },
        **{name: {**gradients, **options} for name, options in SMOOTHNESS.items()},
        "calibration_error": {"num_examples": every, "num_bins": 15},
        "generalization_gap": {"num_examples": every},
    }
    return {
        "errors": {"clean": {"num_examples": every}, **attacks(dataset, sizes, num_examples)},
        "measures": measures,
        "curves": curves(dataset, min(num_examples or NUM_IN_CURVE, every)),
    }


def attacks(dataset: Dataset, sizes: dict[str, float], num_examples: int | None) -> dict[str, dict[str, Any]]:
    """The settings of the errors under attack.

    Args:
        dataset: to measure on.
        sizes: from `attack_sizes`.
        num_examples: as for `plan`.
    """
    numbers = {**dict.fromkeys(ITERATED, NUM_ITERATED), AUTO_ATTACK: NUM_AUTO_ATTACK}
    every = len(dataset.x_test)
    return {
        name: {
            "attack": FUNCTIONS.get(name, name),
            "size": size,
            "num_examples": min(num_examples or numbers.get(name, every), every),
            "input_range": [0.0, 1.0] if is_image(dataset) and name not in UNCLIPPED else None,
            **ITERATED.get(name, {}),
        }
        for name, size in sizes.items()
    }


def curves(dataset: Dataset, num_examples: int) -> dict[str, dict[str, Any]]:
    """The settings of the curves of errors against the size of an attack; none for a data set without sizes.

    Args:
        dataset: to measure on.
        num_examples: use the first examples of the test set.
    """
    sizes = CURVES.get(dataset.name.partition(":")[0])
    if sizes is None:
        return {}
    options = {"parts": PARTS, "input_range": [0.0, 1.0], "num_examples": num_examples}
    return {"apgd_linf": {"attack": "apgd_linf", "sizes": sizes, **options}}


def missing_figures(settings: dict[str, dict[str, Any]], known: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The part of a plan that a file does not have yet.

    Args:
        settings: from `plan`.
        known: the figures that the file has, by the same kinds and names.
    """
    return {
        kind: {name: options for name, options in of.items() if name not in known.get(kind, {})}
        for kind, of in settings.items()
    }


def num_figures(settings: dict[str, dict[str, dict[str, Any]]]) -> int:
    """The number of figures that a plan, or some kinds of it, measures; a curve has one per size."""
    return sum(len(options.get("sizes", [None])) for kind in settings.values() for options in kind.values())
