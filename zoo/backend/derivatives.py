"""Input derivatives on both backends: the only mathematics in the zoo that names a backend."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras

BACKENDS = ("tensorflow", "jax")

if keras.backend.backend() not in BACKENDS:
    raise ImportError(
        f"zoo runs on the Keras backends {' and '.join(BACKENDS)}, received {keras.backend.backend()!r}. "
        "Set KERAS_BACKEND to one of them before importing keras."
    )


class Linearization(NamedTuple):
    """A function's value at `x` and its derivative there, evaluated once and applied as often as needed.

    Attributes:
        outputs: the value `f(x)`.
        aux: what `function` returned beside it.
        jvp: `tangents -> J·tangents`, from the shape of `x` to the shape of `outputs`.
        vjp: `cotangents -> Jᵀ·cotangents`, from the shape of `outputs` to the shape of `x`.
    Both products are differentiable again with respect to whatever `function` depends on.
    """

    outputs: Any
    aux: Any
    jvp: Callable
    vjp: Callable


def _linearize_jax(function, x):
    import jax

    outputs, jvp, aux = jax.linearize(function, x, has_aux=True)
    transposed = jax.linear_transpose(jvp, x)
    return Linearization(outputs, aux, jvp, lambda cotangents: transposed(cotangents)[0])


def _linearize_tensorflow(function, x):
    import tensorflow as tf

    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        outputs, aux = function(x)

    def vjp(cotangents):
        return tape.gradient(outputs, x, cotangents, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    def jvp(tangents):
        # Jᵀv is linear in v, so differentiating it with respect to v gives J: the value of v is irrelevant, and the
        # product at v itself is pruned from the graph.
        v = tf.zeros_like(outputs)
        with tf.GradientTape() as transpose:
            transpose.watch(v)
            pulled_back = vjp(v)
        return transpose.gradient(pulled_back, v, tangents, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    return Linearization(outputs, aux, jvp, vjp)


def linearize(function, x):
    """Evaluates `function` at `x` together with its derivative.

    Args:
        function: `x -> (outputs, aux)`; `outputs` is one tensor, `aux` any nest of tensors.
        x: floating-point tensor.

    Returns:
        A `Linearization`.
    """
    return (_linearize_jax if keras.backend.backend() == "jax" else _linearize_tensorflow)(function, x)
