"""Recipes for CIFAR-10: the VMT paper's table 3, and the zoo's own fields.

Network, optimiser and number of epochs are the paper's; it gives neither learning rate nor decay nor batch size. Each
channel is standardised over the training set; no augmentation. None of these has been trained to its end yet: the
hyperparameters that the paper leaves open are starting points, not choices.
"""

from zoo.recipes.family import Family
from zoo.recipes.recipe import Recipe

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
    ),
    source="VMT paper, table 3",
)


def vmt(field):
    """VMT's hyperparameters with one kind of movement."""
    return {"vmt": {"field": field, "weight": 0.5, "ramp_up_steps": 2000}}


RECIPES = [
    FAMILY.recipe("baseline", published_error=10.79),
    FAMILY.recipe("at_l2", {"at": {"epsilon": 1.0}}, published_error=10.42),
    FAMILY.recipe("vat", {"vat": {"epsilon": 2.0}}, published_error=9.62),
    FAMILY.recipe("vmt_shift", vmt("shift"), published_error=9.68),
    FAMILY.recipe("vmt_rotation", vmt("rotation"), published_error=9.75),
    FAMILY.recipe("vmt_scale", vmt("scale"), published_error=9.74),
    FAMILY.recipe("vmt_all", vmt("all"), published_error=9.31),
    FAMILY.recipe("vmt_affine", vmt("affine")),
    FAMILY.recipe("vmt_smooth", vmt("smooth")),
]
