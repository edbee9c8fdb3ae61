"""Recipes of the classical regularizers, for comparison with AT, VAT and VMT.

Batch normalization undoes the scale of the kernels before it. Penalties and bounds on weights then act on the logits
alone, and otherwise change the learning rate. Recipes named `unnormalized` show them without batch normalization.
`untied` is the plain network with the widths that `parameter_tying` needs.
"""

import functools
from collections.abc import Sequence
from typing import Any

from zoo.recipes.family import Family
from zoo.recipes.recipe import Recipe


def norm_penalty(kind: str, weight: float) -> dict[str, Any]:
    """Describes a Keras L1 or L2 regularizer as data.

    Args:
        kind: `"L1"` or `"L2"`.
        weight: of the norm in the loss.

    Example:
        >>> from zoo.recipes.classical import norm_penalty
        >>> norm_penalty("L2", 1e-3)
        {'class_name': 'L2', 'config': {'l2': 0.001}}
    """
    return {"class_name": kind, "config": {kind.lower(): weight}}


def max_norm(bound: float) -> dict[str, Any]:
    """Describes Keras's constraint on the norm of each unit's weights as data.

    Args:
        bound: the largest allowed norm.

    Example:
        >>> from zoo.recipes.classical import max_norm
        >>> max_norm(2.0)
        {'class_name': 'MaxNorm', 'config': {'max_value': 2.0, 'axis': 0}}
    """
    return {"class_name": "MaxNorm", "config": {"max_value": bound, "axis": 0}}


def small_weights(l2: float, l1: float, bound: float) -> dict[str, dict[str, Any]]:
    """The options of an `mlp` that keep weights small, with and without batch normalization.

    Args:
        l2: weight of the L2 penalty.
        l1: weight of the L1 penalty.
        bound: largest norm of each unit's weights.

    Returns:
        `{name of the recipe: options}`.

    Example:
        >>> from zoo.recipes.classical import small_weights
        >>> list(small_weights(1e-3, 1e-4, 2.0))[:4]
        ['l2', 'l1', 'max_norm', 'unnormalized']
    """
    options = {
        "l2": {"kernel_regularizer": norm_penalty("L2", l2)},
        "l1": {"kernel_regularizer": norm_penalty("L1", l1)},
        "max_norm": {"kernel_constraint": max_norm(bound)},
    }
    plain = {"batch_normalization": False}
    unnormalized = {f"unnormalized_{name}": {**plain, **each} for name, each in options.items()}
    return {**options, "unnormalized": plain, **unnormalized}


def smooth_predictions(noise_std: float, weight: float) -> dict[str, dict[str, Any]]:
    """The penalties on changes of the prediction. That on the Jacobian is the limit of small noise.

    Args:
        noise_std: standard deviation of the noise.
        weight: of the smoothness penalty.

    Returns:
        `{name of the recipe: regularizers}`.

    Example:
        >>> from zoo.recipes.classical import smooth_predictions
        >>> smooth_predictions(0.1, 2.0)["smoothness"]
        {'smoothness': {'epsilon': 0.1, 'weight': 2.0}}
    """
    penalty = {"epsilon": noise_std, "weight": weight}
    return {
        "smoothness": {"smoothness": penalty},
        "smoothness_kl": {"smoothness": {**penalty, "divergence": "kl"}},
        "smoothness_adversarial": {"smoothness": {**penalty, "direction": "adversarial"}},
        "jacobian": {"jacobian": {"num_projections": 1, "weight": weight * noise_std**2}},
    }


def classical_recipes(
    family: Family,
    *,
    l2: float,
    l1: float,
    bound: float,
    noise_std: float,
    weight_noise_std: float,
    sparsity: float,
    smoothness: tuple[float, float],
    num_validation: int,
    tied_units: Sequence[int],
    num_nonzero: int,
    norm_bound: float,
) -> list[Recipe]:
    """Makes one recipe for each classical regularizer.

    Args:
        family: the family of the recipes, whose network is an `mlp`.
        l2: weight of the L2 penalty on weights.
        l1: weight of the L1 penalty on weights.
        bound: largest norm of each unit's weights.
        noise_std: standard deviation of the noise on inputs and on hidden units.
        weight_noise_std: standard deviation of the noise on weights.
        sparsity: weight of the L1 penalty on hidden units.
        smoothness: `(standard deviation of the noise, weight)` of the smoothness penalty.
        num_validation: examples held out for early stopping.
        tied_units: hidden widths of the network with two tied layers, all equal.
        num_nonzero: entries of a sparse code that are not 0.
        norm_bound: largest sum of squares of all kernels. The recipe has no batch normalization.

    Example:
        >>> from zoo import recipes
        >>> recipes.get("synthetic_mlp-l2").network["kernel_regularizer"]
        {'class_name': 'L2', 'config': {'l2': 0.001}}
    """
    tied = {"hidden_units": list(tied_units)}
    tying = {"first": "hidden_2", "second": "hidden_3", "weight": 1e-3}
    code = {"name": "sparse_code", "num_nonzero": num_nonzero}
    constraint = {"bound": norm_bound}
    make = functools.partial(family.recipe, notes="Hyperparameters were not searched.")
    stopping: dict[str, Any] = {"num_validation": num_validation, "early_stopping_patience": 10}
    by_error = {**stopping, "early_stopping_monitor": "error", "schedule": "constant"}
    return [
        *(make(name, network=options) for name, options in small_weights(l2, l1, bound).items()),
        make("input_noise", network={"input_noise_std": noise_std}),
        make("hidden_noise", network={"hidden_noise_std": noise_std}),
        make("weight_noise", {"weight_noise": {"noise_std": weight_noise_std}}),
        make("weight_noise_multiplicative", {"weight_noise": {"noise_std": 0.1, "kind": "multiplicative"}}),
        make("label_smoothing", label_smoothing=0.1),
        make("early_stopping", **stopping),
        make("early_stopping_error", **by_error),
        make("untied", network=tied),
        make("parameter_tying", {"parameter_tying": tying}, network=tied),
        make("sparse_code", preprocessing=[*family.base.preprocessing, code]),
        make("norm_constraint", {"norm_constraint": constraint}, network={"batch_normalization": False}),
        make("sparsity", network={"activity_regularizer": norm_penalty("L1", sparsity)}),
        make("multi_task", network={"reconstruction_weight": 1.0}),
        make("bagging", num_members=5, bagging=True),
        make("ensemble", num_members=5),
        make("ensemble_geometric", num_members=5, ensemble_mean="geometric"),
        *(make(name, regularizers) for name, regularizers in smooth_predictions(*smoothness).items()),
    ]
