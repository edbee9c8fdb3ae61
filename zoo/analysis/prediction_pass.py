"""The clean pass of a trained network: prediction mode, and one value for each example."""

import keras
import numpy as np
from keras import ops

from zoo.backend.derivatives import linearize
from zoo.backend.keras_internals import takes_training
from zoo.regularizers.clean_pass import CleanPass
from zoo.training.outputs import at_least_single


def predict_logits(network, inputs):
    """The logits of a network in prediction mode, in at least single precision.

    Args:
        network: Keras network, or any function of one tensor.
        inputs: `(n, ...)`, as the network takes them.

    Returns:
        `(n, k)`.
    """
    return at_least_single(network(inputs, training=False) if takes_training(network) else network(inputs))


def prediction_pass(network, inputs, labels=None, *, seed=0):
    """The pass of one batch, for any regularizer's penalty and for products with the Jacobian.

    Args:
        network: from inputs to logits.
        inputs: `(n, ...)`, floating-point, as the network takes them.
        labels: `(n,)` class indices, or None where nothing asks for the loss.
        seed: integer, None or `keras.random.SeedGenerator`, from which penalties draw.

    Returns:
        A `CleanPass`.
    """
    x = ops.convert_to_tensor(inputs)
    if keras.backend.is_int_dtype(x.dtype):
        x = ops.cast(x, keras.config.floatx())  # integers have no derivatives

    def losses(logits):
        if labels is None:
            raise ValueError("A measure of the loss needs labels, received labels=None.")
        return keras.losses.sparse_categorical_crossentropy(ops.convert_to_tensor(labels), logits, from_logits=True)

    linear = linearize(lambda x: (predict_logits(network, x), ()), x)
    return CleanPass(
        inputs=x,
        logits=linear.outputs,
        forward=lambda x, weights=(): predict_logits(network, x),
        losses=losses,
        num_labeled=len(inputs),
        jvp=linear.jvp,
        vjp=linear.vjp,
        compute_dtype=getattr(network, "compute_dtype", keras.backend.standardize_dtype(x.dtype)),
        seed=seed if isinstance(seed, keras.random.SeedGenerator) else keras.random.SeedGenerator(seed),
    )


def compiled(function, network):
    """A function that runs a network, compiled where operations one by one are slow: on JAX.

    Args:
        function: of arrays; it neither draws random numbers nor changes the network.
        network: Keras network, whose weights will be those at each call; or any function of one tensor, whose
            constants will stay those of the first call.

    Returns:
        The same function.
    """
    if keras.backend.backend() != "jax":
        return function
    import jax

    variables = getattr(network, "variables", ())

    @jax.jit
    def run(weights, *arrays):
        with keras.StatelessScope(state_mapping=list(zip(variables, weights, strict=True))):
            return function(*arrays)

    return lambda *arrays: run([variable.value for variable in variables], *arrays)


def map_batches(function, *arrays, batch_size=500):
    """Applies a function to one batch after the other.

    Args:
        function: from a slice of each array to tensors `(n, ...)`, one or a nest of them.
        *arrays: of equal length, at least 1.
        batch_size: examples at a time.

    Returns:
        The same nest of NumPy arrays over all examples.

    Raises:
        ValueError: there are no examples, or not equally many in every array.
    """
    lengths = [len(array) for array in arrays]
    if min(lengths) < 1 or len(set(lengths)) > 1:
        raise ValueError(f"Arrays must have equally many examples, at least 1, received {lengths}.")
    parts = [
        keras.tree.map_structure(ops.convert_to_numpy, function(*(a[start : start + batch_size] for a in arrays)))
        for start in range(0, lengths[0], batch_size)
    ]
    return keras.tree.map_structure(lambda *each: np.concatenate(each), *parts)


def loss_gradient(network, inputs, labels):
    """The gradient `(n, ...)` of each example's cross-entropy in its input, in prediction mode.

    Args:
        network, inputs, labels: as for `prediction_pass`.
    """
    return prediction_pass(network, inputs, labels).loss_gradient
