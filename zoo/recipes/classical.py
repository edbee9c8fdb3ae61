"""The classical regularizers, as rows beside AT, VAT and VMT."""

import functools


def norm_penalty(kind, strength):
    """A Keras L1 or L2 penalty as data; it falls on the dense kernels, biases are free."""
    return {"class_name": kind, "config": {kind.lower(): strength}}


def max_norm(bound):
    """Keras's projection of each unit's weight column onto norm `bound`, as data."""
    return {"class_name": "MaxNorm", "config": {"max_value": bound, "axis": 0}}


def classical_recipes(
    family, *, l2, l1, bound, noise_std, weight_noise_std, sparsity, smoothness, num_validation, tied_units
):
    """One recipe for each classical regularizer.

    Args:
        family: `Family`.
        l2, l1: strengths of the norm penalties.
        bound: of the norm of each unit's weights.
        noise_std: of the noise on inputs and on hidden units.
        weight_noise_std: of the noise on weights.
        sparsity: strength of the L1 penalty on hidden units.
        smoothness: `(noise standard deviation, weight)` of the smoothness penalty.
        num_validation: examples held out for early stopping.
        tied_units: hidden widths of the network with two tied layers, all equal.

    Returns:
        A list of `Recipe`s.
    """
    smoothness_std, smoothness_weight = smoothness
    penalty = {"epsilon": smoothness_std, "weight": smoothness_weight}
    jacobian = {"num_projections": 1, "weight": smoothness_weight * smoothness_std**2}
    tied = {"hidden_units": list(tied_units)}
    tying = {"first": "hidden_2", "second": "hidden_3", "weight": 1e-3}
    make = functools.partial(family.recipe, notes="Hyperparameters not searched.")
    return [
        make("l2", network={"kernel_regularizer": norm_penalty("L2", l2)}),
        make("l1", network={"kernel_regularizer": norm_penalty("L1", l1)}),
        make("max_norm", network={"kernel_constraint": max_norm(bound)}),
        make("input_noise", network={"input_noise_std": noise_std}),
        make("hidden_noise", network={"hidden_noise_std": noise_std}),
        make("weight_noise", {"weight_noise": {"noise_std": weight_noise_std}}),
        make("label_smoothing", label_smoothing=0.1),
        make("early_stopping", num_validation=num_validation, early_stopping_patience=10),
        make("parameter_tying", {"parameter_tying": tying}, network=tied),
        make("sparsity", network={"activity_regularizer": norm_penalty("L1", sparsity)}),
        make("bagging", num_members=5, bagging=True),
        make("ensemble", num_members=5),
        make("ensemble_geometric", num_members=5, ensemble_mean="geometric"),
        make("smoothness", {"smoothness": penalty}),
        make("smoothness_kl", {"smoothness": {**penalty, "divergence": "kl"}}),
        make("smoothness_adversarial", {"smoothness": {**penalty, "direction": "adversarial"}}),
        make("jacobian", {"jacobian": jacobian}),
    ]
