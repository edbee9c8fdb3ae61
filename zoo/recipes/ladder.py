"""Recipes for ladder networks on MNIST and CIFAR-10, with Gaussian and with adversarial noise.

Networks, weights, noise and schedules are those of the ladder authors' program. The adversarial noise and its strengths
τ are those of the thesis. An epoch runs through all training images without their labels. Each batch holds 100 of them
and 100 labeled ones. The seed draws the labeled images, which are the same for every method.

Source: Rasmus et al., 2015, "Semi-supervised learning with ladder networks", https://arxiv.org/abs/1507.02672; Maroñas
Molano, 2016, "Adversarial learning with ladder networks" (the thesis).
"""

from typing import Any

from zoo.recipes.family import Family
from zoo.recipes.ladder_settings import (
    CONV_CIFAR,
    CONV_FC,
    CONV_SMALL,
    FC,
    Rungs,
    bottom,
    full,
    gamma,
    layer_noise,
    noisy,
    supervised,
)
from zoo.recipes.recipe import Recipe

RESCALING = {"name": "rescaling", "scale": 1 / 255}
WHITENING = [{"name": "contrast_normalization", "scale": 55.0}, {"name": "zca_whitening", "filter_bias": 0.1}]
LADDER = "Rasmus et al. 2015, as quoted in the thesis"
THESIS = "Maroñas Molano 2016, Adversarial learning with ladder networks (thesis)"
# The thesis's own errors of the ladders without adversarial noise: tables 17, 20, 23, 25 and 27.
REFERENCES = {
    "mnist_ladder-all_full": 0.565,
    "mnist_ladder-100_full": 1.108,
    "mnist_ladder-1000_full": 0.952,
    "mnist_conv_small_ladder-100_gamma": 0.897,
    "cifar10_conv_ladder-4000_gamma": 20.196,
}
OPEN = "The thesis leaves this variant open. τ was not searched."


def against(reference: str) -> dict[str, Any]:
    """The recipe field for the reference of a recipe with adversarial noise.

    Example:
        >>> from zoo.recipes.ladder import against
        >>> against("mnist_ladder-all_full")
        {'published_reference': {'recipe': 'mnist_ladder-all_full', 'error': 0.565}}
    """
    return {"published_reference": {"recipe": reference, "error": REFERENCES[reference]}}


ALL = against("mnist_ladder-all_full")


def family(name: str, rungs: Rungs, source: str = LADDER, **fields: Any) -> Family:
    """The family of the recipes that share an encoder.

    Example:
        >>> from zoo.recipes.ladder import family
        >>> from zoo.recipes.ladder_settings import dense
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


MNIST = family("mnist_ladder", FC)
MNIST_THESIS = family("mnist_ladder", FC, THESIS)
FULL = {
    "50": full(FC, 2000, 20, 0.1),
    "100": full(FC, 1000, 10, 0.1),
    "1000": {**full(FC, 2000, 20, 0.1), **layer_noise(FC, 0.2)},
    "all": full(FC, 1000, 1, 0.01),
}
# Number of labels: (λ_0 of the bottom-only ladder, λ_L of the Γ-model).
WEIGHTS = {"100": (5000, 0.5), "1000": (2000, 10), "all": (2000, 2)}
# Number of labels: published errors of the full ladder, the bottom-only ladder and the Γ-model.
PUBLISHED = {"50": (1.62,), "100": (1.06, 1.09, 3.06), "1000": (0.84, 0.90, 1.53), "all": (0.57, 0.59, 0.78)}


def labels(name: str) -> dict[str, Any]:
    """The recipe field for a number of labels, `"all"` or digits.

    Example:
        >>> from zoo.recipes.ladder import labels
        >>> labels("100"), labels("all")
        ({'num_labels': 100}, {})
    """
    return {} if name == "all" else {"num_labels": int(name)}


def mnist_rows(name: str) -> list[Recipe]:
    """The recipes for one number of labels: full, bottom, Γ, supervised.

    Example:
        >>> from zoo.recipes.ladder import mnist_rows
        >>> [recipe.name for recipe in mnist_rows("50")]
        ['mnist_ladder-50_full']
    """
    rows = [("full", FULL[name])]
    if name in WEIGHTS:
        lowest, top = WEIGHTS[name]
        rows += [("bottom", bottom(FC, lowest)), ("gamma", gamma(FC, top))]
    published: dict[str, float] = dict(zip(("full", "bottom", "gamma"), PUBLISHED[name], strict=False))
    recipes = [
        MNIST.recipe(f"{name}_{method}", ladder=ladder, published_error=published[method], **labels(name))
        for method, ladder in rows
    ]
    if name in WEIGHTS:
        baseline = supervised(FC, layer_noise(FC, 0.5))
        recipes.append(MNIST.recipe(f"{name}_supervised", ladder=baseline, unlabeled_batch_size=0, **labels(name)))
    return recipes


def supervised_rows() -> list[Recipe]:
    """The thesis's comparison of noises without unlabeled images, tables 5 to 7, with the best τ of each kind.

    The thesis takes the gradient of the mean cost of a batch of 100 images, ours is that of each image's own cost. Only
    the noise "gradient" keeps that factor: its τ is the thesis's 0.25 divided by 100.

    Example:
        >>> from zoo.recipes.ladder import supervised_rows
        >>> len(supervised_rows())
        9
    """
    best = {
        "clean": (0.0, None, 1.10),
        "gaussian": (0.3, None, 0.82),
        "gradient": (0.0, ("gradient", 0.0025), 1.05),
        "sign": (0.0, ("sign", 0.025), 0.77),
        "l2": (0.0, ("l2", 0.25), 0.86),
        "scaled_l2": (0.0, ("scaled_l2", 0.0025), 0.79),
        "gaussian_sign": (0.3, ("sign", 0.00025), 0.76),
        "gaussian_l2": (0.3, ("l2", 0.025), 0.77),
        "gaussian_scaled_l2": (0.3, ("scaled_l2", 0.025), 0.76),
    }
    recipes = []
    for name, (std, adversarial, published) in best.items():
        ladder = supervised(FC, {"noise_std": std})
        if adversarial:
            kind, tau = adversarial
            ladder = noisy(ladder, tau, labeled_kind=kind)
        recipes.append(
            MNIST_THESIS.recipe(f"noise_{name}", ladder=ladder, unlabeled_batch_size=0, published_error=published)
        )
    return recipes


def thesis_settings() -> list[Recipe]:
    """Other settings that the thesis reports: the best of table 8 with more epochs, of table 9, and table 21.

    Example:
        >>> from zoo.recipes.ladder import thesis_settings
        >>> thesis_settings()[0].name
        'mnist_ladder-all_adversarial_170ep'
    """
    one_seed = "The published error is that of one seed."
    epochs = {170: (0.67, 0.54), 200: (0.58, 0.52), 220: (0.45, 0.55)}
    longer = [
        MNIST_THESIS.recipe(
            f"all_adversarial_{number}ep",
            ladder=noisy(FULL["all"], 4.5e-4),
            epochs=number,
            decay_start=start,
            published_error=published,
            notes=one_seed,
        )
        for number, (start, published) in epochs.items()
    ]
    norm = noisy(FULL["all"], 2.5e-4, labeled_kind="scaled_l2")
    weak = noisy(FULL["100"], 4.5e-4, 4.5e-8)
    return [
        *longer,
        MNIST_THESIS.recipe("all_scaled_l2", ladder=norm, published_error=0.54, notes=one_seed),
        MNIST_THESIS.recipe(
            "all_scaled_l2_std25", ladder={**norm, "noise_std": 0.25}, published_error=0.56, notes=one_seed
        ),
        MNIST_THESIS.recipe(
            "100_adversarial_weak",
            ladder=weak,
            num_labels=100,
            published_error=1.225,
            **against("mnist_ladder-100_full"),
        ),
    ]


EVERY_LAYER = [0.05] * (len(FC) + 1)
SMALL = gamma(CONV_SMALL, 1.0)
CIFAR = gamma(CONV_CIFAR, 4.0)
CIFAR_FIELDS = {
    "dataset": "cifar10",
    "preprocessing": WHITENING,
    "epochs": 70,
    "decay_start": 0.86,
    "num_labels": 4000,
}
cifar10 = family("cifar10_conv_ladder", CONV_CIFAR, **CIFAR_FIELDS)
cifar10_thesis = family("cifar10_conv_ladder", CONV_CIFAR, THESIS, **CIFAR_FIELDS)
conv_fc = family("mnist_conv_fc_ladder", CONV_FC, num_labels=100)
conv_small = family("mnist_conv_small_ladder", CONV_SMALL, num_labels=100)
conv_small_thesis = family("mnist_conv_small_ladder", CONV_SMALL, THESIS, num_labels=100)
CIFAR_NETWORK = {"activation": "leaky_relu", "scale_logits": False}

RECIPES = [
    *(recipe for name in FULL for recipe in mnist_rows(name)),
    *supervised_rows(),
    MNIST_THESIS.recipe("all_adversarial", ladder=noisy(FULL["all"], 4.5e-4), published_error=0.557, **ALL),
    MNIST_THESIS.recipe(
        "all_adversarial_both", ladder=noisy(FULL["all"], 4.5e-4, 4.5e-8), published_error=0.560, **ALL
    ),
    MNIST_THESIS.recipe(
        "100_adversarial",
        ladder=noisy(FULL["100"], 4.5e-2, 4.5e-4),
        num_labels=100,
        published_error=1.084,
        **against("mnist_ladder-100_full"),
    ),
    MNIST_THESIS.recipe(
        "1000_adversarial",
        ladder=noisy(FULL["1000"], 4.5e-5, 4.5e-5),
        num_labels=1000,
        published_error=0.932,
        **against("mnist_ladder-1000_full"),
    ),
    *thesis_settings(),
    MNIST.recipe("100_adversarial_layers", ladder=noisy(FULL["100"], EVERY_LAYER), num_labels=100, notes=OPEN),
    MNIST.recipe(
        "100_adversarial_alone",
        ladder={**noisy(FULL["100"], EVERY_LAYER, EVERY_LAYER), "noise_std": 0.0},
        num_labels=100,
        notes=OPEN,
    ),
    MNIST.recipe(
        "100_virtual_layers",
        ladder=noisy(FULL["100"], EVERY_LAYER, EVERY_LAYER, labeled_kind="scaled_l2", direction="kl"),
        num_labels=100,
        notes=OPEN,
    ),
    conv_fc.recipe("100_full", ladder=full(CONV_FC, 1000, 10, 0.1), published_error=0.99),
    conv_small.recipe("100_gamma", ladder=SMALL, published_error=0.89),
    conv_small.recipe(
        "100_supervised",
        ladder=supervised(CONV_SMALL, layer_noise(CONV_SMALL, 0.45)),
        unlabeled_batch_size=0,
        epochs=20,
        decay_start=0.5,
        published_error=6.43,
    ),
    conv_small.recipe(
        "all_supervised",
        ladder=supervised(CONV_SMALL, layer_noise(CONV_SMALL, 0.45)),
        num_labels=None,
        unlabeled_batch_size=0,
        published_error=0.36,
        notes="The paper gives neither schedule nor noise.",
    ),
    conv_small_thesis.recipe(
        "100_gamma_adversarial",
        ladder=noisy(SMALL, 4.5e-5, 4.5e-7),
        published_error=0.796,
        **against("mnist_conv_small_ladder-100_gamma"),
    ),
    cifar10.recipe("4000_gamma", ladder=CIFAR, network=CIFAR_NETWORK, published_error=20.40),
    cifar10.recipe(
        "4000_supervised",
        ladder=supervised(CONV_CIFAR, {"noise_std": 0.3}),
        network=CIFAR_NETWORK,
        unlabeled_batch_size=0,
        epochs=20,
        decay_start=0.5,
        published_error=23.33,
    ),
    cifar10.recipe(
        "all_supervised",
        ladder=supervised(CONV_CIFAR, {"noise_std": 0.3}),
        network=CIFAR_NETWORK,
        num_labels=None,
        unlabeled_batch_size=0,
        published_error=9.27,
        notes="The paper gives neither schedule nor noise.",
    ),
    cifar10_thesis.recipe(
        "4000_gamma_adversarial",
        ladder=noisy(CIFAR, 4.5e-4, 4.5e-7),
        network=CIFAR_NETWORK,
        published_error=20.02,
        **against("cifar10_conv_ladder-4000_gamma"),
    ),
]
