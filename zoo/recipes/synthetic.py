"""Recipes for the synthetic signals: the first column of the VMT paper's table 2, and what the zoo adds.

Network, batch size, epochs and optimiser are the paper's. It does not say how the learning rate decays: at a constant
rate the error is several times the published one, and a cosine to zero reproduces it.
"""

from zoo.recipes.classical import classical_recipes
from zoo.recipes.family import Family
from zoo.recipes.recipe import Recipe

FAMILY = Family(
    Recipe(
        name="synthetic_mlp",
        dataset="synthetic",
        network={"name": "mlp", "hidden_units": [128, 128]},
        learning_rate=1e-3,
        epochs=100,
        batch_size=20,
    ),
    source="VMT paper, table 2",
)

RECIPES = [
    FAMILY.recipe("baseline", published_error=1.24),
    FAMILY.recipe("dropout", network={"dropout": 0.2}, published_error=0.97),
    FAMILY.recipe("at_linf", {"at": {"epsilon": 0.05, "noise": "sign"}}, published_error=1.00),
    FAMILY.recipe("at_l2", {"at": {"epsilon": 0.5}}, published_error=0.94),
    FAMILY.recipe("vat", {"vat": {"epsilon": 0.5}}, published_error=0.76),
    FAMILY.recipe("vmt_shift", {"vmt": {"field": "shift", "weight": 5.0}}, published_error=0.89),
    FAMILY.recipe(
        "vmt_scale", {"vmt": {"field": "scale", "weight": 1.0}}, note="The paper: worse than its baseline."
    ),
    FAMILY.recipe("vmt_affine", {"vmt": {"field": "affine", "weight": 1.0}}),
    FAMILY.recipe("vmt_smooth", {"vmt": {"field": "smooth", "weight": 1.0}}),
    FAMILY.recipe("vat_vmt_smooth", {"vat": {"epsilon": 0.5}, "vmt": {"field": "smooth", "weight": 1.0}}),
    FAMILY.recipe("rpt", {"vat": {"epsilon": 0.5, "direction": "random"}}),
    *classical_recipes(
        FAMILY,
        l2=1e-3,
        l1=1e-4,
        bound=2.0,
        noise_std=0.1,
        weight_noise_std=0.05,
        sparsity=1e-4,
        smoothness=(0.1, 0.1),
        num_validation=200,
        tied_units=(128, 128, 128),
    ),
]
