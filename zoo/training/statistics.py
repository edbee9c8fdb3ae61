"""Statistics of batch normalisation: their derivatives, and their average over a training set."""

import contextlib

import keras
import numpy as np

from zoo.validation import check_number


def normalizations(network):
    """The batch normalisation layers of a network, at any depth."""
    layers = network._flatten_layers()
    return [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]


@contextlib.contextmanager
def synchronized_statistics(network):
    """Batch normalisation over the rows of all devices, and with second derivatives, on TensorFlow; elsewhere nothing.

    Alone on its device, Keras's layer takes its variance from `tf.nn.moments`, which holds the mean constant: the first
    derivative is right nevertheless, the second lacks a term of the order of 1/n. Synchronised, it takes
    `E[x²] − E[x]²`, which has every derivative, at the price of digits where the mean is far greater than the
    deviation: their ratio's square times 1e-7, in float32.
    """
    on_tensorflow = keras.backend.backend() == "tensorflow"
    layers = [layer for layer in normalizations(network) if on_tensorflow and not layer.synchronized]
    for layer in layers:
        layer.synchronized = True
    try:
        yield
    finally:
        for layer in layers:
            layer.synchronized = False  # other backends refuse to load what says True


def reestimate_statistics(model, x, batch_size):
    """Sets the moving averages of batch normalisation to the mean of the batch statistics over a training set.

    Moving averages lag behind the weights and weigh the last batches most; these do neither. The passes are training
    passes, dropout and noise included, as those are from which the moving averages come.

    Args:
        model: `ObjectiveModel`; a ladder network's passes are clean ones.
        x: raw training inputs, `(n, ...)`.
        batch_size: at least 1; the examples that do not fill a batch are left out, unless there are no others.

    Source: the cumulative average of the ladder authors' and the VAT authors' programs.
    """
    layers = normalizations(model.network)
    averages = [variable for layer in layers for variable in (layer.moving_mean, layer.moving_variance)]
    starts = range(0, max(len(x) - batch_size, 0) + 1, batch_size)
    sums = [0.0] * len(averages)
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0  # one pass then leaves the statistics of its batch alone
    try:
        for start in starts:
            inputs, _ = model.prepare(keras.ops.convert_to_tensor(x[start : start + batch_size]))
            with keras.StatelessScope() as scope:
                model.call_network(inputs, training=True)
            for index, variable in enumerate(averages):
                value = keras.ops.convert_to_numpy(scope.get_current_value(variable))
                sums[index] = sums[index] + value.astype("float64")
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
    for variable, total in zip(averages, sums, strict=True):
        variable.assign((total / len(starts)).astype(np.dtype(variable.dtype)))


class ReestimateStatistics(keras.callbacks.Callback):
    """Re-estimates the statistics of batch normalisation when training ends, see `reestimate_statistics`.

    Put it after callbacks that bring back earlier weights, and before those that save.

    Args:
        x: raw training inputs, `(n, ...)`.
        batch_size: at least 1.
    """

    def __init__(self, x, batch_size=100):
        super().__init__()
        self.x = x
        self.batch_size = check_number("batch_size", batch_size, 1, integer=True)

    def on_train_end(self, logs=None):
        reestimate_statistics(self.model, self.x, self.batch_size)
