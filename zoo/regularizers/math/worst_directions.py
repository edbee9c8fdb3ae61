"""The direction in which a network's prediction changes fastest."""

import math

import keras
from keras import ops

from zoo.backend.derivatives import linearize
from zoo.regularizers.math import per_example
from zoo.regularizers.math.divergences import categorical_hessian_product, categorical_kl, squared_distance


def hessian_product(logits, vectors, distribution):
    """The Hessian of the divergence in its second argument, at equal arguments, times `vectors`; up to a factor."""
    return categorical_hessian_product(logits, vectors) if distribution == "categorical" else vectors


def power_iteration(clean_pass, direction, distribution, num_iterations):
    """Turns `direction` towards the dominant eigenvector of `Jᵀ F J`, per example.

    `d ← normalize(Jᵀ F J d)` with J the Jacobian of the logits in the input and F the Hessian of the divergence in
    the logits: the Hessian-vector product of the divergence at zero perturbation, which the published iteration
    approximates by a gradient at `x + ξd`. It costs the same, one product with J and one with Jᵀ, and there is no ξ
    to lose its digits to rounding, in whatever precision the network runs.

    Args:
        clean_pass: `CleanPass` with its Jacobian products.
        direction: unit vectors d, `(n, ...)`.
        distribution: `"categorical"` (F the Fisher information of softmax outputs) or `"gaussian"` (F the identity).
        num_iterations: K, at least 0.

    Returns:
        Unit vectors, constant with respect to the weights; zero for an example at which J vanishes.
    """
    logits = ops.stop_gradient(clean_pass.logits)
    for _ in range(num_iterations):
        change = hessian_product(logits, ops.stop_gradient(clean_pass.push_forward(direction)), distribution)
        direction = per_example.normalize(ops.stop_gradient(clean_pass.pull_back(change)))
    return direction


UNIT_ROUNDOFF = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}


def check_xi(xi, inputs, compute_dtype):
    """Refuses a ξ whose step is lost when it is added to inputs of order 1.

    Raises:
        ValueError: with the least ξ that keeps five bits of every entry of the step.
    """
    entries = per_example.flatten(inputs).shape[-1]
    coarser = max(keras.backend.standardize_dtype(inputs.dtype), compute_dtype, key=UNIT_ROUNDOFF.get)
    least = 2**5 * UNIT_ROUNDOFF[coarser] * entries**0.5
    if xi < least:
        raise ValueError(
            f"xi={xi!r} is lost in rounding: in {coarser}, a step of that norm over {entries} entries needs at "
            f"least {least:.1e}. xi=None takes the exact limit of small steps at the same cost."
        )


def finite_difference_iteration(clean_pass, direction, distribution, num_iterations, xi):
    """The published power iteration: `d ← normalize(∂/∂r D[f(x), f(x + r)] at r = ξ·d)`.

    Args:
        clean_pass, direction, distribution, num_iterations: as for `power_iteration`.
        xi: ξ, norm of the step, in units of the input.

    Returns:
        Unit vectors, constant with respect to the weights.

    Raises:
        ValueError: ξ is too small for the precision in which the network computes.

    Source: Miyato et al. 2016.
    """
    check_xi(xi, clean_pass.inputs, clean_pass.compute_dtype)
    logits = ops.stop_gradient(clean_pass.logits)
    divergence = categorical_kl if distribution == "categorical" else squared_distance
    for _ in range(num_iterations):
        step = ops.stop_gradient(clean_pass.inputs + xi * direction)
        moved = linearize(lambda x: (divergence(logits, clean_pass.forward(x)), ()), step)
        gradient = moved.vjp(ops.ones_like(moved.outputs))
        direction = per_example.normalize(ops.stop_gradient(gradient))
    return direction


NOISES = ("gradient", "sign", "l2", "scaled_l2")


def adversarial_noise(gradient, kind):
    """The noise δ made of a loss gradient g, per example.

    Args:
        gradient: g, `(n, ...)`.
        kind: `"gradient"`: `g` (the thesis's UDG); `"sign"`: `sign(g)`, unit L∞ norm (SGN); `"l2"`: `g/‖g‖`, unit L2
            norm (1N); `"scaled_l2"`: `√k·g/‖g‖` for k input entries, unit mean square (qN).

    Returns:
        δ, `(n, ...)`.

    Source: Maroñas Molano 2016 (thesis), the four kinds it compares.
    """
    if kind == "gradient":
        return gradient
    if kind == "sign":
        return ops.sign(gradient)
    scale = math.sqrt(math.prod(gradient.shape[1:])) if kind == "scaled_l2" else 1.0
    return scale * per_example.normalize(gradient)
