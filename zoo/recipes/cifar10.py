"""Recipes for CIFAR-10: table 3 of the VMT paper with the zoo's own fields, and VAT with 4000 labels.

All labels: the paper gives the network, the optimizer and the number of epochs, but neither learning rate nor decay nor
batch size. The preprocessing standardizes each channel over the training set. There is no augmentation. The
layers compute in bfloat16.

4000 labels: network, batches, ε and the number of updates are those of the VAT authors' program, which whitens its
inputs. Its change of β1 in the last epochs is left out.

None of these recipes has been trained to its end yet. A search on held-out images chose the learning rate of the
30-epoch recipes. Other values that the papers do not give are untuned guesses.

Source: "Regularization Neural Networks via Constrained Virtual Movement Field" (the VMT paper); Miyato et al., 2018,
"Virtual adversarial training", https://arxiv.org/abs/1704.03976.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

from zoo.recipes.family import LAZY, Family
from zoo.recipes.recipe import Recipe
from zoo.recipes.search import grid

FAMILY = Family(
    Recipe(
        name="cifar10_conv_small",
        dataset="cifar10",
        network={"name": "conv_small"},
        preprocessing=[{"name": "normalization"}],
        optimizer={"name": "sgd", "momentum": 0.9},
        learning_rate=0.05,
        epochs=80,
        batch_size=100,
        precision="mixed_bfloat16",
    ),
    source="VMT paper, table 3",
)

# Two CPU cores finish 30 epochs in hours.
SHORT_FAMILY = Family(
    dataclasses.replace(FAMILY.base, name="cifar10_conv_small_30ep", epochs=30, learning_rate=0.3),
    source="VMT paper, table 3, after 80 epochs",
)

WHITENING = [{"name": "rescaling", "scale": 1 / 255}, {"name": "zca_whitening", "filter_bias": 1e-6}]
# Shifts by -2 to 2 whole pixels with equal probability, after whitening, as in the VAT authors' program. Whitening
# would amplify the blur of interpolation and a black border.
SHIFT = {"height_factor": 2.5 / 32, "width_factor": 2.5 / 32, "fill_mode": "constant", "interpolation": "nearest"}
FLIP, SHIFTING = {"name": "random_flip", "mode": "horizontal"}, {"name": "random_translation", **SHIFT}
AUGMENTED = [*WHITENING, FLIP, SHIFTING]
FEW_LABELS = Family(
    Recipe(
        name="cifar10_conv_large",
        dataset="cifar10",
        network={"name": "conv_large"},
        preprocessing=WHITENING,
        learning_rate=1e-3,
        schedule="linear",
        decay_start=0.92,
        epochs=512,
        batch_size=32,
        num_labels=4000,
        unlabeled_batch_size=128,
    ),
    source="Miyato et al. 2018, as quoted in later tables",
)
FEW_LABELS_SMALL = dataclasses.replace(
    FEW_LABELS,
    base=dataclasses.replace(FEW_LABELS.base, name="cifar10_conv_small", network={"name": "conv_small"}),
)
VAT, VAT_AUGMENTED, ENTROPY = {"vat": {"epsilon": 10.0}}, {"vat": {"epsilon": 8.0}}, {"entropy": {}}
VIRTUAL = {"vmt": {"field": "smooth", "weight": 0.5, "ramp_up_steps": 2000, "virtual_labels": True}}


def vmt(field: str) -> dict[str, Any]:
    """VMT's hyperparameters with one kind of movement.

    Example:
        >>> from zoo.recipes.cifar10 import vmt
        >>> vmt("shift")
        {'vmt': {'field': 'shift', 'weight': 0.5, 'ramp_up_steps': 2000}}
    """
    return {"vmt": {"field": field, "weight": 0.5, "ramp_up_steps": 2000}}


def short_search(path: str, values: Sequence[Any]) -> dict[str, Any]:
    """The search for a hyperparameter of the 30-epoch recipes: five epochs a trial, 5000 images held out.

    Example:
        >>> from zoo.recipes.cifar10 import short_search
        >>> short_search("learning_rate", [0.03, 0.1])["space"]
        {'learning_rate': {'values': [0.03, 0.1]}}
    """
    return grid(path, values, num_validation=5000, epochs=5)


def short_vmt(field: str, **options: Any) -> Recipe:
    """A 30-epoch recipe of VMT. One search chose the weight for all movements.

    Example:
        >>> from zoo.recipes.cifar10 import short_vmt
        >>> short_vmt("shift").name
        'cifar10_conv_small_30ep-vmt_shift'
    """
    return SHORT_FAMILY.recipe(
        f"vmt_{field}", vmt(field), search=short_search("regularizers.vmt.weight", [0.125, 0.5, 2.0]), **options
    )


GUESS = "Hyperparameters not searched, other than the learning rate of the baseline."
SHORT_RECIPES = [
    SHORT_FAMILY.recipe(
        "baseline",
        published_error=10.79,
        search=short_search("learning_rate", [0.03, 0.1, 0.3]),
        notes="Validation error of the search, one seed: 31.46 at a rate of 0.03, 22.40 at 0.1, 20.72 at 0.3.",
    ),
    SHORT_FAMILY.recipe(
        "at_l2",
        {"at": {"epsilon": 1.0}},
        published_error=10.42,
        search=short_search("regularizers.at.epsilon", [0.5, 1.0, 2.0]),
    ),
    SHORT_FAMILY.recipe(
        "vat",
        {"vat": {"epsilon": 2.0}},
        published_error=9.62,
        search=short_search("regularizers.vat.epsilon", [1.0, 2.0, 4.0]),
    ),
    short_vmt("all", published_error=9.31),
    short_vmt("shift", published_error=9.68),
    short_vmt("rotation", published_error=9.75),
    short_vmt("scale", published_error=9.74),
    short_vmt("smooth"),
    SHORT_FAMILY.recipe("vat_vmt_all", {"vat": {"epsilon": 2.0}, **vmt("all")}, notes=GUESS),
    SHORT_FAMILY.recipe("label_smoothing", label_smoothing=0.1, notes=GUESS),
    SHORT_FAMILY.recipe("augmentation", preprocessing=[*FAMILY.base.preprocessing, FLIP, SHIFTING], notes=GUESS),
]

RECIPES = [
    *SHORT_RECIPES,
    FAMILY.recipe("baseline", published_error=10.79),
    FAMILY.recipe("at_l2", {"at": {"epsilon": 1.0}}, published_error=10.42),
    FAMILY.recipe("vat", {"vat": {"epsilon": 2.0}}, published_error=9.62),
    FAMILY.recipe("vmt_shift", vmt("shift"), published_error=9.68),
    FAMILY.recipe("vmt_rotation", vmt("rotation"), published_error=9.75),
    FAMILY.recipe("vmt_scale", vmt("scale"), published_error=9.74),
    FAMILY.recipe("vmt_all", vmt("all"), published_error=9.31),
    FAMILY.recipe("vmt_affine", vmt("affine")),
    FAMILY.recipe("vmt_smooth", vmt("smooth")),
    FAMILY.recipe("vmt_all_lazy", {"vmt": {**vmt("all")["vmt"], "interval": 4}}, notes=LAZY),
    FEW_LABELS_SMALL.recipe("4000_vat", VAT, published_error=14.87),
    FEW_LABELS_SMALL.recipe("4000_vat_entmin", {**VAT, **ENTROPY}),
    FEW_LABELS_SMALL.recipe(
        "4000_vat_vmt_smooth", {**VAT, **VIRTUAL}, notes="VMT acts on all inputs, with virtual labels."
    ),
    FEW_LABELS.recipe("4000_vat", VAT),
    FEW_LABELS.recipe("4000_vat_entmin", {**VAT, **ENTROPY}, published_error=13.15),
    FEW_LABELS.recipe("4000_vat_augmented", VAT_AUGMENTED, preprocessing=AUGMENTED, published_error=11.36),
    FEW_LABELS.recipe(
        "4000_vat_entmin_augmented",
        {**VAT_AUGMENTED, **ENTROPY},
        preprocessing=AUGMENTED,
        published_error=10.55,
    ),
]
