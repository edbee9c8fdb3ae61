"""The clean pass of a trained network in prediction mode, and one value for each example."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.analysis.logits import logits_of, outputs_kind
from zoo.backend.derivatives import linearize
from zoo.backend.programs import compile_program
from zoo.backend.random_numbers import Seed, as_generator
from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.math.divergences import check_classes
from zoo.training.inputs import declared_inputs, fit_rank

Tensor = Any  # a tensor of the backend, or a NumPy array


def predict_logits(network: Callable[..., Tensor], inputs: Tensor) -> Tensor:
    """The logits of a network in prediction mode, in at least single precision.

    Networks that end in softmax or in one sigmoid unit, and compiled models whose loss takes probabilities, give the
    logits of their probabilities, see `Classifier`. One unit for two classes becomes two logits `(0, h)`.

    Args:
        network: Keras network, or any function of one tensor.
        inputs: `(n, ...)`, as the network takes them.

    Returns:
        `(n, k)`.

    Example:
        >>> network = zoo.networks.mlp((4,), num_classes=3, dropout=0.5)
        >>> zoo.analysis.predict_logits(network, np.zeros((2, 4))).shape.as_list()
        [2, 3]
    """
    return logits_of(network, inputs, outputs_kind(network))


def prediction_pass(network: Callable[..., Tensor], inputs: Tensor, labels: Any = None, *, seed: Seed = 0) -> CleanPass:
    """The pass over one batch, for the penalty of any regularizer and for products with the Jacobian.

    Args:
        network: Keras network from inputs to logits, or any function of one tensor.
        inputs: `(n, ...)`, as the network takes them. Integers are cast to floating point.
        labels: class indices, `(n,)`, or one-hot rows, `(n, k)`; or None if nothing needs the loss.
        seed: integer, `keras.random.SeedGenerator` or None, for the random numbers of penalties.

    Returns:
        A `CleanPass`. Its loss raises `ValueError` if there are no labels.

    Example:
        >>> from zoo.analysis.prediction_pass import prediction_pass
        >>> clean_pass = prediction_pass(zoo.networks.mlp((4,), 3), np.zeros((2, 4), "float32"), labels=[0, 2])
        >>> clean_pass.loss_gradient.shape.as_list()
        [2, 4]
    """
    x: Any = ops.convert_to_tensor(inputs)
    x = fit_rank(x, *declared_inputs(network).values()) if len(declared_inputs(network)) == 1 else x
    if keras.backend.is_int_dtype(x.dtype):
        x = ops.cast(x, keras.config.floatx())  # because integers have no derivatives

    def losses(logits):
        if labels is None:
            raise ValueError("A measure of the loss needs labels, received labels=None.")
        check_classes("The cross-entropy needs", logits)
        targets: Any = ops.convert_to_tensor(labels)
        one_hot = len(targets.shape) == 2 and targets.shape[1] > 1
        losses = keras.losses.categorical_crossentropy if one_hot else keras.losses.sparse_categorical_crossentropy
        return losses(ops.cast(targets, logits.dtype) if one_hot else targets, logits, from_logits=True)

    linear = linearize(lambda x: (predict_logits(network, x), ()), x)
    return CleanPass(
        inputs=x,
        logits=linear.outputs,
        forward=lambda x, weights=(): predict_logits(network, x),
        losses=losses,
        num_labeled=ops.shape(x)[0],
        jvp=linear.jvp,
        vjp=linear.vjp,
        compute_dtype=getattr(network, "compute_dtype", keras.backend.standardize_dtype(x.dtype)),
        seed=as_generator(seed),
    )


def compiled(function: Callable[..., Any], network: Any) -> Callable[..., Any]:
    """Compiles a function that runs a network, on JAX, where single operations are slow.

    Args:
        function: function of arrays. It must not draw random numbers or change the network.
        network: Keras network, which is run with its weights at each call; or any function of one tensor, which keeps
            the constants of the first call.

    Returns:
        A function with the same results.

    Example:
        >>> from zoo.analysis.prediction_pass import compiled
        >>> network = zoo.networks.mlp((4,), 3)
        >>> compiled(lambda x: network(x), network)(np.zeros((2, 4), "float32")).shape.as_list()
        [2, 3]
    """
    if keras.backend.backend() != "jax":
        return function
    return compile_program(function, getattr(network, "variables", ()))


def map_batches(function: Callable[..., Any], *arrays: Any, batch_size: int = 500) -> Any:
    """Applies a function to one batch after the other.

    Args:
        function: maps a slice of each array to a tensor `(n, ...)` or a nest of them.
        *arrays: arrays of equal length, at least 1.
        batch_size: number of examples at a time.

    Returns:
        The same nest of NumPy arrays over all examples.

    Raises:
        ValueError: there are no examples, or the arrays have different lengths.

    Example:
        >>> from zoo.analysis.prediction_pass import map_batches
        >>> map_batches(lambda x: keras.ops.square(x), np.arange(4.0), batch_size=2)
        array([0., 1., 4., 9.])
    """
    lengths = [len(array) for array in arrays]
    if min(lengths) < 1 or len(set(lengths)) > 1:
        raise ValueError(f"All arrays must have the same number of examples, at least 1, received {lengths}.")
    batches = [
        keras.tree.map_structure(ops.convert_to_numpy, function(*(a[start : start + batch_size] for a in arrays)))
        for start in range(0, lengths[0], batch_size)
    ]
    return keras.tree.map_structure(lambda *each: np.concatenate(each), *batches)


def loss_gradient(network: Callable[..., Tensor], inputs: Tensor, labels: Any) -> Tensor:
    """The gradient `∂L/∂x` of each example's cross-entropy in its input, in prediction mode.

    Args:
        network: Keras network from inputs to logits, or any function of one tensor.
        inputs: x, `(n, ...)`, in floating point, as the network takes them.
        labels: class indices, `(n,)`.

    Returns:
        `(n, ...)`.

    Raises:
        ValueError: `labels` is None.

    Example:
        >>> network = lambda x: keras.ops.matmul(x, np.diag([1.0, 1.0]))
        >>> np.asarray(zoo.analysis.loss_gradient(network, np.array([[0.0, 0.0]]), [0]))
        array([[-0.5,  0.5]])
    """
    return prediction_pass(network, inputs, labels).loss_gradient
