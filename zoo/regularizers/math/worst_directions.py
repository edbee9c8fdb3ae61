"""The direction in which the prediction of a network changes fastest."""

import math
from typing import Any

import keras
from keras import ops

from zoo.regularizers.math import per_example
from zoo.regularizers.math.divergences import DIVERGENCES
from zoo.regularizers.math.hessian_products import hessian_product
from zoo.validation import check_choice

Tensor = Any  # a tensor of the backend

UNIT_ROUNDOFF = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}
NOISES = ("gradient", "sign", "l2", "scaled_l2")


def power_iteration(linearized: Any, direction: Tensor, distribution: str, num_power_iterations: int) -> Tensor:
    """Turns a direction towards the dominant eigenvector of `Jᵀ F J`, example by example.

    `d ← normalize(Jᵀ F J d)`, with the Jacobian J of the logits in the input, and the Hessian F of the divergence in
    the logits. The product is the Hessian-vector product of the divergence at zero perturbation, which the published
    iteration approximates by a gradient at `x + ξd`. Both cost one product with J and one with Jᵀ. The exact product
    needs no step ξ, so it loses no digits to rounding in any precision.

    Args:
        linearized: `LinearizedPass` with the products of its Jacobian.
        direction: unit vectors d, `(n, ...)`.
        distribution: `"categorical"` or `"bernoulli"` (F is the Fisher information), or `"gaussian"` (F is the
            identity).
        num_power_iterations: number of iterations, at least 0.

    Returns:
        Unit vectors `(n, ...)`, constant with respect to the weights. The vector of an example is zero if `Jᵀ F J d`
        is.

    Example:
        >>> from zoo.analysis.prediction_pass import prediction_pass
        >>> from zoo.regularizers.math.worst_directions import power_iteration
        >>> linearized = prediction_pass(lambda x: keras.ops.matmul(x, np.diag([2.0, 1.0])), np.ones((1, 2)))
        >>> start = keras.ops.convert_to_tensor([[0.6, 0.8]], "float64")
        >>> np.asarray(power_iteration(linearized, start, "gaussian", 20)).round(6)
        array([[1., 0.]])
    """
    logits = ops.stop_gradient(linearized.logits)
    for _ in range(num_power_iterations):
        change = hessian_product(logits, ops.stop_gradient(linearized.push_forward(direction)), distribution)
        direction = per_example.normalize(ops.stop_gradient(linearized.pull_back(change)))
    return direction


def check_xi(xi: float, inputs: Tensor, compute_dtype: str) -> None:
    """Refuses a step ξ that rounding would lose when it is added to inputs of order 1.

    Args:
        xi: ξ, norm of the step, above 0.
        inputs: `(n, ...)`.
        compute_dtype: floating-point type in which the network computes.

    Raises:
        ValueError: ξ is too small. The message has the least ξ that keeps five bits of every entry of the step.

    Example:
        >>> from zoo.regularizers.math.worst_directions import check_xi
        >>> check_xi(1e-3, np.zeros((1, 4)), "float32")
    """
    entries = math.prod(length for length in inputs.shape[1:] if length)  # of the axes whose length is known
    types = (keras.backend.standardize_dtype(inputs.dtype), compute_dtype)
    coarser = max(types, key=lambda dtype: UNIT_ROUNDOFF[dtype])
    least = 2**5 * UNIT_ROUNDOFF[coarser] * entries**0.5
    if xi < least:
        raise ValueError(
            f"xi={xi!r} is lost in rounding: in {coarser}, a step of that norm over {entries} entries needs at "
            f"least {least:.1e}. Pass xi=None to compute the exact limit of small steps at the same cost."
        )


def finite_difference_iteration(
    clean_pass: Any, direction: Tensor, distribution: str, num_power_iterations: int, xi: float
) -> Tensor:
    """The published power iteration: `d ← normalize(∂/∂r D[f(x), f(x + r)] at r = ξ·d)`.

    Args:
        clean_pass: `CleanPass` over the batch.
        direction: unit vectors d, `(n, ...)`.
        distribution: `"categorical"` or `"bernoulli"` (D is the KL divergence), or `"gaussian"` (D is the squared
            distance).
        num_power_iterations: number of iterations, at least 0.
        xi: ξ, norm of the step, in units of the input, above 0.

    Returns:
        Unit vectors `(n, ...)`, constant with respect to the weights.

    Raises:
        ValueError: ξ is too small for the precision in which the network computes.

    Source: Miyato, Maeda, Koyama, Nakae, Ishii, 2016, "Distributional smoothing with virtual adversarial training",
    https://arxiv.org/abs/1507.00677.

    Example:
        >>> from zoo.analysis.prediction_pass import prediction_pass
        >>> from zoo.regularizers.math.worst_directions import finite_difference_iteration
        >>> clean_pass = prediction_pass(lambda x: keras.ops.matmul(x, np.diag([2.0, 1.0])), np.ones((1, 2)))
        >>> start = keras.ops.convert_to_tensor([[0.6, 0.8]], "float64")
        >>> np.asarray(finite_difference_iteration(clean_pass, start, "gaussian", 20, 1e-3)).round(6)
        array([[1., 0.]])
    """
    check_xi(xi, clean_pass.inputs, clean_pass.compute_dtype)
    logits = ops.stop_gradient(clean_pass.logits)
    divergence = DIVERGENCES[distribution]
    for _ in range(num_power_iterations):
        moved = clean_pass.linearized_at(clean_pass.inputs + xi * direction)
        gradient = moved.gradient_of(lambda perturbed: divergence(logits, perturbed, clean_pass.mask))
        direction = per_example.normalize(ops.stop_gradient(gradient))
    return direction


def adversarial_noise(gradient: Tensor, kind: str) -> Tensor:
    """The noise δ of a given kind from a loss gradient g, example by example.

    Args:
        gradient: g, `(n, ...)`.
        kind: `"gradient"`: `g` (UDG in the thesis); `"sign"`: `sign(g)`, of L∞ norm 1 (SGN); `"l2"`: `g/‖g‖`, of L2
            norm 1 (1N); `"scaled_l2"`: `√k·g/‖g‖` for k entries, of mean square 1 (qN).

    Returns:
        δ, `(n, ...)`.

    Raises:
        ValueError: `kind` is unknown.

    Source: Maroñas Molano, 2016, "Adversarial learning with ladder networks" (thesis), which compares these kinds.

    Example:
        >>> np.asarray(zoo.regularizers.adversarial_noise(np.array([[3.0, -4.0]]), "l2"))
        array([[ 0.6, -0.8]])
    """
    check_choice("kind", kind, NOISES)
    if kind == "gradient":
        return gradient
    if kind == "sign":
        return ops.sign(gradient)
    if kind == "l2":
        return per_example.normalize(gradient)
    entries: Any = per_example.num_entries(gradient)  # a tensor if the size is not known before the step runs
    scale = math.sqrt(entries) if isinstance(entries, int) else ops.sqrt(ops.cast(entries, gradient.dtype))
    return scale * per_example.normalize(gradient)
