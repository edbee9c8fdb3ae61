"""Input derivatives on both backends."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras

Tensor = Any  # a tensor of the backend

BACKENDS = ("tensorflow", "jax")

if keras.backend.backend() not in BACKENDS:
    raise ImportError(
        f"zoo runs on the Keras backends {' and '.join(BACKENDS)}, received {keras.backend.backend()!r}. "
        "Set KERAS_BACKEND to one of them before importing keras."
    )


class Linearization(NamedTuple):
    """The value and the derivative of a function at a point, evaluated once and applied as often as needed.

    Both products can be differentiated again with respect to anything that the function depends on.

    Attributes:
        outputs: value `f(x)`.
        aux: second result of the function.
        jvp: `tangents -> J·tangents`, from the shape of `x` to the shape of `outputs`.
        vjp: `cotangents -> Jᵀ·cotangents`, from the shape of `outputs` to the shape of `x`.

    Example:
        >>> from zoo.backend.derivatives import linearize
        >>> linear = linearize(lambda x: (x**2, "aux"), keras.ops.convert_to_tensor([3.0]))
        >>> linear.aux, float(linear.jvp(keras.ops.ones(1))[0])
        ('aux', 6.0)
    """

    outputs: Tensor
    aux: Any
    jvp: Callable[[Tensor], Tensor]
    vjp: Callable[[Tensor], Tensor]


def _linearize_jax(function: Callable[[Tensor], tuple[Tensor, Any]], x: Tensor) -> Linearization:
    import jax

    outputs, forward, aux = jax.linearize(function, x, has_aux=True)
    transposed = jax.linear_transpose(forward, x)

    def vjp(cotangents):
        return transposed(cotangents)[0]

    def jvp(tangents):
        try:
            return forward(tangents)
        except (NotImplementedError, TypeError):
            # A layer with a gradient of its own, such as a quantized one, has no forward mode.
            return jax.linear_transpose(vjp, outputs)(tangents)[0]

    return Linearization(outputs, aux, jvp, vjp)


def _linearize_tensorflow(function: Callable[[Tensor], tuple[Tensor, Any]], x: Tensor) -> Linearization:
    import tensorflow as tf

    zero = tf.UnconnectedGradients.ZERO
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        outputs, aux = function(x)

    def vjp(cotangents):
        return tape.gradient(outputs, x, cotangents, unconnected_gradients=zero)

    def jvp(tangents):
        # Jᵀv is linear in v, so its derivative in v gives J at any v. TensorFlow prunes the product at v itself.
        v = tf.zeros_like(outputs)
        with tf.GradientTape() as transpose:
            transpose.watch(v)
            pulled_back = vjp(v)
        return transpose.gradient(pulled_back, v, tangents, unconnected_gradients=zero)

    return Linearization(outputs, aux, jvp, vjp)


def linearize(function: Callable[[Tensor], tuple[Tensor, Any]], x: Tensor) -> Linearization:
    """Evaluates a function at a point, together with its derivative.

    Args:
        function: `x -> (outputs, aux)`. `outputs` is one tensor, `aux` any nest of tensors.
        x: floating-point tensor.

    Returns:
        A `Linearization`.

    Example:
        >>> from zoo.backend.derivatives import linearize
        >>> linear = linearize(lambda x: (keras.ops.sum(x**2), ()), keras.ops.convert_to_tensor([1.0, 3.0]))
        >>> np.asarray(linear.vjp(keras.ops.ones(())))
        array([2., 6.], dtype=float32)
    """
    return (_linearize_jax if keras.backend.backend() == "jax" else _linearize_tensorflow)(function, x)
