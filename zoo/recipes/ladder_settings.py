"""Encoders, denoising weights and noise of the ladder recipes, as data."""

from typing import Any

from zoo.recipes.family import Family
from zoo.recipes.recipe import Recipe

Rungs = list[dict[str, Any]]


def labels(name: str) -> dict[str, Any]:
    """The recipe field for a number of labels, `"all"` or digits.

    Example:
        >>> from zoo.recipes.ladder_settings import labels
        >>> labels("100"), labels("all")
        ({'num_labels': 100}, {})
    """
    return {} if name == "all" else {"num_labels": int(name)}


def dense(*widths: int) -> Rungs:
    """Dense rungs.

    Example:
        >>> from zoo.recipes.ladder_settings import dense
        >>> dense(250, 10)
        [{'name': 'dense', 'units': 250}, {'name': 'dense', 'units': 10}]
    """
    return [{"name": "dense", "units": units} for units in widths]


def conv(filters: int, size: int, padding: str = "valid") -> dict[str, Any]:
    """A convolutional rung.

    Example:
        >>> from zoo.recipes.ladder_settings import conv
        >>> conv(32, 5, "full")
        {'name': 'conv', 'filters': 32, 'size': 5, 'padding': 'full'}
    """
    return {"name": "conv", "filters": filters, "size": size, "padding": padding}


POOL, MEAN = {"name": "max_pool", "size": 2}, {"name": "global_mean"}
FC = dense(1000, 500, 250, 250, 250, 10)
CONV_FC = [conv(1000, 26), *(conv(filters, 1) for filters in (500, 250, 250, 250, 10)), MEAN]
CONV_SMALL = [conv(32, 5, "full"), POOL, conv(64, 3), conv(64, 3, "full"), POOL]
CONV_SMALL += [conv(128, 3), conv(10, 1), MEAN, *dense(10)]
CONV_CIFAR = [conv(96, 3), conv(96, 3, "full"), conv(96, 3, "full"), POOL]
CONV_CIFAR += [conv(192, 3), conv(192, 3, "full"), conv(192, 3), POOL]
CONV_CIFAR += [conv(192, 3), conv(192, 1), conv(10, 1), MEAN]


def full(rungs: Rungs, lowest: float, second: float, rest: float) -> dict[str, Any]:
    """A ladder with a denoising cost at every level.

    Example:
        >>> from zoo.recipes.ladder_settings import dense, full
        >>> full(dense(250, 10), 1000, 10, 0.1)
        {'denoising_weights': [1000, 10, 0.1]}
    """
    return {"denoising_weights": [lowest, second, *[rest] * (len(rungs) - 1)]}


def bottom(rungs: Rungs, weight: float) -> dict[str, Any]:
    """A ladder with a denoising cost at the input only.

    Example:
        >>> from zoo.recipes.ladder_settings import bottom, dense
        >>> bottom(dense(250, 10), 5000)
        {'denoising_weights': [5000, 0, 0]}
    """
    return {"denoising_weights": [weight, *[0] * len(rungs)]}


def gamma(rungs: Rungs, weight: float) -> dict[str, Any]:
    """The Γ-model: a denoising cost at the top only.

    Example:
        >>> from zoo.recipes.ladder_settings import dense, gamma
        >>> gamma(dense(250, 10), 0.5)
        {'denoising_weights': [0, 0, 0.5]}
    """
    return {"denoising_weights": [*[0] * len(rungs), weight]}


def layer_noise(rungs: Rungs, std: float) -> dict[str, Any]:
    """Noise of this standard deviation in the layers, and of 0.3 at the input, as in the authors' program.

    Example:
        >>> from zoo.recipes.ladder_settings import dense, layer_noise
        >>> layer_noise(dense(250, 10), 0.2)
        {'noise_std': [0.3, 0.2, 0.2]}
    """
    return {"noise_std": [0.3, *[std] * len(rungs)]}


def supervised(rungs: Rungs, noise: dict[str, Any]) -> dict[str, Any]:
    """The encoder with noise and without denoising costs.

    Example:
        >>> from zoo.recipes.ladder_settings import dense, supervised
        >>> supervised(dense(250, 10), {"noise_std": 0.3})
        {'denoising_weights': [0, 0, 0], 'noise_std': 0.3}
    """
    return {"denoising_weights": [0] * (len(rungs) + 1), **noise}


def noisy(ladder: dict[str, Any], labeled: Any, unlabeled: Any = 0.0, **kinds: str) -> dict[str, Any]:
    """A ladder with additional adversarial noise.

    Example:
        >>> from zoo.recipes.ladder_settings import noisy
        >>> noisy({"noise_std": 0.3}, 4.5e-4)["adversarial_noise"]
        {'labeled': 0.00045, 'unlabeled': 0.0}
    """
    return {**ladder, "adversarial_noise": {"labeled": labeled, "unlabeled": unlabeled, **kinds}}


RESCALING = {"name": "rescaling", "scale": 1 / 255}
LADDER = "Rasmus et al. 2015, as quoted in the thesis"
THESIS = "Maroñas Molano 2016, Adversarial learning with ladder networks (thesis)"
FULL = {
    "50": full(FC, 2000, 20, 0.1),
    "100": full(FC, 1000, 10, 0.1),
    "1000": {**full(FC, 2000, 20, 0.1), **layer_noise(FC, 0.2)},
    "all": full(FC, 1000, 1, 0.01),
}


def family(name: str, rungs: Rungs, source: str = LADDER, **fields: Any) -> Family:
    """The family of the recipes that share an encoder.

    Example:
        >>> from zoo.recipes.ladder_settings import dense, family
        >>> family("mnist_ladder", dense(250, 10)).base.schedule
        'linear'
    """
    network = {"name": "ladder_encoder", "rungs": rungs}
    settings: dict[str, Any] = {
        "dataset": "mnist",
        "preprocessing": [RESCALING],
        "learning_rate": 2e-3,
        "schedule": "linear",
        "decay_start": 0.67,
        "epochs": 150,
        "batch_size": 100,
        "unlabeled_batch_size": 100,
        "reestimate_statistics": True,
        **fields,
    }
    return Family(Recipe(name=name, network=network, **settings), source)
