"""What runs between the epochs of a training run: its curves, and its deadline."""

import keras
import numpy as np
from keras import ops

from zoo.analysis import compiled, map_batches, movement_measure

CURVES = ("worst_", "sampled_")
NUM_SAMPLED = 1000


class Curves(keras.callbacks.Callback):
    """Errors and movement penalties of a fixed sample, before the first epoch and after each.

    Put it before the `Checkpoint` to whose history it adds, one value at a time: `sampled_train_error` and
    `sampled_test_error` in per cent, whose difference is the generalization gap, and `worst_shift`, `worst_rotation`,
    `worst_scale`: R of each movement on the sampled test inputs, where the inputs have such a movement.

    Args:
        dataset: `zoo.datasets.Dataset`; the sample is the first examples of each split.
        history: `{name: list}` to add to, that of a `Checkpoint`.
    """

    def __init__(self, dataset, history):
        super().__init__()
        self.dataset, self.history = dataset, history

    def on_train_begin(self, logs=None):
        data = self.dataset
        self.sample = {
            "train": self._prepared(data.x_train, data.y_train),
            "test": self._prepared(data.x_test, data.y_test),
        }
        network, (inputs, _) = self.model.network, self.sample["test"]
        self._logits = compiled(lambda x: self.model.call_network(x, training=False), network)
        self._movements = movement_measure(network, inputs)

    def _prepared(self, x, y):
        inputs, _ = self.model.prepare(ops.convert_to_tensor(x[:NUM_SAMPLED]), training=False)
        return inputs, y[:NUM_SAMPLED].ravel()

    def on_epoch_begin(self, epoch, logs=None):
        if len(self.history.get("sampled_train_error", ())) == epoch:  # else the run goes on
            self._measure()

    def on_epoch_end(self, epoch, logs=None):
        self._measure()

    def _measure(self):
        for split, (inputs, labels) in self.sample.items():
            predicted = ops.convert_to_numpy(self._logits(inputs)).argmax(axis=-1)
            self._add(f"sampled_{split}_error", 100 * float(np.mean(predicted != labels)))
        for name, changes in map_batches(self._movements, *self.sample["test"]).items():
            self._add(f"worst_{name}", float(np.mean(changes)))

    def _add(self, name, value):
        self.history.setdefault(name, []).append(value)
