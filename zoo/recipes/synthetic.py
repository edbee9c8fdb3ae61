"""Recipes for the synthetic signals: the first column of table 2 of the VMT paper, and the zoo's additions.

Network, batch size, epochs and optimizer are the paper's. The paper does not say how the learning rate decays. At a
constant rate the error is several times the published one. A cosine decay to zero reproduces the published error.

Source: "Regularization Neural Networks via Constrained Virtual Movement Field" (the VMT paper).
"""

from typing import Any

from zoo.recipes.classical import classical_recipes
from zoo.recipes.family import LAZY, Family
from zoo.recipes.recipe import Recipe
from zoo.recipes.search import grid

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

UNFIT = "The classes differ in frequency. Scaling changes it, so this movement does not suit these data."


def searched(path: str, *values: Any) -> dict[str, Any]:
    """The search that chose a hyperparameter.

    Example:
        >>> from zoo.recipes.synthetic import searched
        >>> searched("learning_rate", 1e-3, 1e-2)["num_seeds"]
        3
    """
    return grid(path, values, num_seeds=3, num_validation=9000)


VAT_VMT = {"vat": {"epsilon": 0.35}, "vmt": {"field": "shift", "weight": 5.0}}

TRADES = {"epsilon": 0.35, "norm": "l2", "num_steps": 5, "weight": 1.0}

SUM = "ε is that of VAT alone, λ is half of that of VMT alone. No search found better values."

RECIPES = [
    FAMILY.recipe("baseline", published_error=1.24),
    FAMILY.recipe(
        "dropout", network={"dropout": 0.5}, published_error=0.97, search=searched("network.dropout", 0.1, 0.2, 0.5)
    ),
    FAMILY.recipe(
        "at_linf",
        {"at": {"epsilon": 0.1, "noise": "sign"}},
        published_error=1.00,
        search=searched("regularizers.at.epsilon", 0.02, 0.05, 0.1, 0.2),
    ),
    FAMILY.recipe(
        "at_l2",
        {"at": {"epsilon": 0.25}},
        published_error=0.94,
        search=searched("regularizers.at.epsilon", 0.1, 0.25, 0.5, 1.0, 2.0),
    ),
    FAMILY.recipe(
        "vat",
        {"vat": {"epsilon": 0.35}},
        published_error=0.76,
        search=searched("regularizers.vat.epsilon", 0.25, 0.35, 0.5, 1.0, 1.5, 2.0),
    ),
    FAMILY.recipe(
        "vmt_shift",
        {"vmt": {"field": "shift", "weight": 10.0}},
        published_error=0.89,
        search=searched("regularizers.vmt.weight", 2.0, 5.0, 10.0, 20.0),
    ),
    FAMILY.recipe(
        "vmt_scale",
        {"vmt": {"field": "scale", "weight": 0.1}},
        notes=UNFIT + " The paper reports a higher error than its baseline.",
        search=searched("regularizers.vmt.weight", 0.1, 1.0),
    ),
    FAMILY.recipe(
        "vmt_affine",
        {"vmt": {"field": "affine", "weight": 0.005}},
        notes=UNFIT,
        search=searched("regularizers.vmt.weight", 0.005, 0.05, 0.5, 2.0, 5.0),
    ),
    FAMILY.recipe(
        "vmt_smooth",
        {"vmt": {"field": "smooth", "weight": 0.005}},
        notes=UNFIT,
        search=searched("regularizers.vmt.weight", 0.005, 0.05, 0.5, 2.0, 5.0),
    ),
    FAMILY.recipe(
        "tangent_shift",
        {"tangent": {"field": "shift", "weight": 1.0}},
        search=searched("regularizers.tangent.weight", 0.001, 0.01, 0.1, 1.0, 3.0, 10.0, 100.0),
    ),
    FAMILY.recipe("vat_vmt_shift", VAT_VMT, notes=SUM),
    FAMILY.recipe("vat_vmt_shift_ensemble", VAT_VMT, num_members=5, notes=SUM),
    FAMILY.recipe("at_pgd", {"at": {"epsilon": 0.25, "num_steps": 5}}, notes="ε is that of AT with one step."),
    FAMILY.recipe(
        "mart",
        {"mart": {"epsilon": 0.25, "norm": "l2", "num_steps": 5, "divergence_weight": 1.0}},
        notes="ε is that of AT.",
        search=searched("regularizers.mart.divergence_weight", 1.0, 5.0),
    ),
    FAMILY.recipe(
        "trades",
        {"trades": TRADES},
        notes="ε is that of VAT.",
        search=searched("regularizers.trades.weight", 1.0, 3.0, 6.0),
    ),
    FAMILY.recipe(
        "trades_awp",
        {"awp": {"regularizer": {"trades": TRADES}, "gamma": 0.001}},
        notes="The penalty is that of TRADES alone.",
        search=searched("regularizers.awp.gamma", 0.001, 0.005, 0.02),
    ),
    FAMILY.recipe("awp", {"awp": {"gamma": 0.1}}, search=searched("regularizers.awp.gamma", 0.005, 0.02, 0.1, 0.3)),
    FAMILY.recipe("at_l2_lazy", {"at": {"epsilon": 0.25, "interval": 4}}, notes=LAZY),
    FAMILY.recipe("vat_lazy", {"vat": {"epsilon": 0.35, "interval": 4}}, notes=LAZY),
    FAMILY.recipe("vmt_shift_lazy", {"vmt": {"field": "shift", "weight": 10.0, "interval": 4}}, notes=LAZY),
    FAMILY.recipe("rpt", {"vat": {"epsilon": 0.35, "direction": "random"}}, notes="ε is that of VAT."),
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
        num_nonzero=10,
        norm_bound=100.0,
    ),
]
