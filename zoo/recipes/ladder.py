"""Recipes for ladder networks on MNIST and CIFAR-10, with Gaussian and with adversarial noise.

Networks, weights, noise and schedules are those of the ladder authors' program. The adversarial noise and its sizes
τ are those of the thesis. An epoch runs through all training images without their labels. Each batch holds 100 of them
and 100 labeled ones. The seed draws the labeled images, which are the same for every method.

Source: Rasmus et al., 2015, "Semi-supervised learning with ladder networks", https://arxiv.org/abs/1507.02672; Maroñas
Molano, 2016, "Adversarial learning with ladder networks" (the thesis).
"""

from zoo.recipes import ladder_thesis, ladder_variants
from zoo.recipes.ladder_settings import (
    CONV_CIFAR,
    CONV_FC,
    CONV_SMALL,
    FC,
    FULL,
    LADDER,
    THESIS,
    bottom,
    family,
    full,
    gamma,
    labels,
    layer_noise,
    noisy,
    supervised,
)
from zoo.recipes.ladder_thesis import against
from zoo.recipes.recipe import Recipe

WHITENING = [{"name": "contrast_normalization", "scale": 55.0}, {"name": "zca_whitening", "filter_bias": 0.1}]
MNIST = family("mnist_ladder", FC)
MNIST_TABLE_1 = family("mnist_ladder", FC, "Rasmus et al. 2015, table 1")
MNIST_50 = family("mnist_ladder", FC, "as quoted by Shinoda et al. 2017, https://arxiv.org/abs/1711.07476")
# Number of labels: (λ_0 of the bottom-only ladder, λ_L of the Γ-model).
WEIGHTS = {"100": (5000, 0.5), "1000": (2000, 10), "all": (2000, 2)}
# Number of labels: published errors of the full ladder, the bottom-only ladder, the Γ-model and the supervised network.
PUBLISHED = {
    "50": (1.62,),
    "100": (1.06, 1.09, 3.06),
    "1000": (0.84, 0.90, 1.53),
    "all": (0.57, 0.59, 0.78, 0.80),
}


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
    published: dict[str, float] = dict(zip(("full", "bottom", "gamma", "supervised"), PUBLISHED[name], strict=False))
    ladders = MNIST_50 if name == "50" else MNIST
    recipes = [
        ladders.recipe(f"{name}_{method}", ladder=ladder, published_error=published[method], **labels(name))
        for method, ladder in rows
    ]
    if name in WEIGHTS:
        baseline = supervised(FC, layer_noise(FC, 0.5))
        fields = {"unlabeled_batch_size": 0, "published_error": published.get("supervised"), **labels(name)}
        notes = "" if "supervised" in published else "Table 1 of the paper has an error, which is not on record here."
        recipes.append(MNIST_TABLE_1.recipe(f"{name}_supervised", ladder=baseline, notes=notes, **fields))
    return recipes


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
cifar10_short = family(
    "cifar10_conv_ladder_30ep", CONV_CIFAR, f"{LADDER}, after 70 epochs", **{**CIFAR_FIELDS, "epochs": 30}
)
conv_fc = family("mnist_conv_fc_ladder", CONV_FC, num_labels=100)
conv_small = family("mnist_conv_small_ladder", CONV_SMALL, num_labels=100)
conv_small_short = family(
    "mnist_conv_small_ladder_30ep", CONV_SMALL, f"{LADDER}, after 150 epochs", num_labels=100, epochs=30
)
conv_small_thesis = family("mnist_conv_small_ladder", CONV_SMALL, THESIS, num_labels=100)
CIFAR_NETWORK = {"activation": "leaky_relu", "scale_logits": False}
OTHER_SCHEDULE = "The paper gives no schedule and no noise. They are those of the Γ-model, and those with few labels."
IN_DOUBT = (
    "τ_u is that of the lowest error of the thesis's search, 0.58. The caption of its ten seeds has 4.5e-5, and their "
    "first error, 0.65, is that of τ_s 4.5e-4 in the search."
)

RECIPES = [
    *(recipe for name in FULL for recipe in mnist_rows(name)),
    *ladder_thesis.RECIPES,
    *ladder_variants.RECIPES,
    conv_fc.recipe("100_full", ladder=full(CONV_FC, 1000, 10, 0.1), published_error=0.99),
    conv_small.recipe("100_gamma", ladder=SMALL, published_error=0.89),
    conv_small_short.recipe("100_gamma", ladder=SMALL, published_error=0.89),
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
        notes=OTHER_SCHEDULE,
    ),
    conv_small_thesis.recipe(
        "100_gamma_adversarial",
        ladder=noisy(SMALL, 4.5e-5, 4.5e-7),
        published_error=0.796,
        notes=IN_DOUBT,
        **against("mnist_conv_small_ladder-100_gamma"),
    ),
    cifar10.recipe("4000_gamma", ladder=CIFAR, network=CIFAR_NETWORK, published_error=20.40),
    cifar10_short.recipe("4000_gamma", ladder=CIFAR, network=CIFAR_NETWORK, published_error=20.40),
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
        notes=OTHER_SCHEDULE,
    ),
    cifar10_thesis.recipe(
        "4000_gamma_adversarial",
        ladder=noisy(CIFAR, 4.5e-4, 4.5e-7),
        network=CIFAR_NETWORK,
        published_error=20.02,
        **against("cifar10_conv_ladder-4000_gamma"),
    ),
]
