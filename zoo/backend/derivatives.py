"""Input derivatives on both backends."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras

Tensor = Any  # a tensor of the backend

# What a backend says about an operation without the derivatives that penalties need.
MISSING = ("gradient registry has no entry for", "forward-mode differentiation", "Differentiation rule for")
RESIZING = "For a Resizing or UpSampling2D layer, use interpolation='bilinear', or pass the layer as preprocessing=. "
RECURRENT = "For LSTM and GRU layers, pass use_cudnn=False. "
FIRST_ORDER = "VirtualAdversarialTraining(..., xi=...) and AdversarialTraining need only first derivatives."
REMEDIES = {"Resize": RESIZING, "ScaleAndTranslate": RESIZING, "Cudnn": RECURRENT, "custom_vjp": RECURRENT}
REMEDIES["gradient registry"] = FIRST_ORDER  # TensorFlow's error
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


@contextlib.contextmanager
def explained_derivatives() -> Iterator[None]:
    """A context that says what to do if an operation lacks the derivatives that penalties need.

    Raises:
        ValueError: the backend raised an error about a missing derivative.

    Example:
        >>> from zoo.backend.derivatives import explained_derivatives
        >>> with explained_derivatives():
        ...     raise LookupError("gradient registry has no entry for: CudnnRNNBackprop")
        Traceback (most recent call last):
        ValueError: The network uses an operation without a derivative that a penalty needs: ...
    """
    try:
        yield
    except (LookupError, TypeError, NotImplementedError) as error:
        message = str(error)
        if not any(text in message for text in MISSING):
            raise
        remedies = dict.fromkeys(remedy for name, remedy in REMEDIES.items() if name in message)
        raise ValueError(
            "The network uses an operation without a derivative that a penalty needs: "
            f"{message.strip().splitlines()[0].rstrip('.')}. {''.join(remedies)}"
        ) from error


def _depends_jax(function, tensors):
    import jax

    def on(index):
        _, jvp = jax.linearize(lambda x: function(*tensors[:index], x, *tensors[index + 1 :]), tensors[index])
        jaxpr = jax.make_jaxpr(jvp)(tensors[index]).jaxpr
        reached = set(jaxpr.invars)
        for equation in jaxpr.eqns:
            if any(atom in reached for atom in equation.invars if not hasattr(atom, "val")):  # no literal is hashable
                reached.update(equation.outvars)
        return any(atom in reached for atom in jaxpr.outvars if not hasattr(atom, "val"))

    return [on(index) for index in range(len(tensors))]


def _depends_tensorflow(function, tensors):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(tensors)
        outputs = function(*tensors)
    return [gradient is not None for gradient in tape.gradient(outputs, tensors)]


def depends(function: Callable[..., Tensor], tensors: list[Tensor]) -> list[bool]:
    """Whether the value of a function has a derivative in each of its arguments. It looks at the graph, not at numbers.

    Args:
        function: function of tensors with one tensor as value.
        tensors: floating-point tensors.

    Example:
        >>> from zoo.backend.derivatives import depends
        >>> rounded = lambda x, y: keras.ops.cast(keras.ops.cast(x, "int32"), "float32") + y
        >>> depends(rounded, [keras.ops.ones(2), keras.ops.ones(2)])
        [False, True]
    """
    return (_depends_jax if keras.backend.backend() == "jax" else _depends_tensorflow)(function, tensors)


def _gradients_tensorflow(function, tensors):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = function(*tensors)
    found = tape.gradient(value, tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return [tf.convert_to_tensor(each) for each in found]  # those of an embedding come as slices


def _gradients_jax(function, tensors):
    import jax

    return list(jax.grad(lambda each: function(*each))(tensors))


def gradients(function: Callable[..., Tensor], tensors: list[Tensor]) -> list[Tensor]:
    """The gradient of a scalar function in each of its arguments.

    Args:
        function: function of tensors with a scalar as value.
        tensors: floating-point tensors.

    Returns:
        A tensor for each, of the same shape.

    Example:
        >>> from zoo.backend.derivatives import gradients
        >>> [float(each) for each in gradients(lambda x, y: x * y, [keras.ops.array(2.0), keras.ops.array(3.0)])]
        [3.0, 2.0]
    """
    return (_gradients_jax if keras.backend.backend() == "jax" else _gradients_tensorflow)(function, tensors)
