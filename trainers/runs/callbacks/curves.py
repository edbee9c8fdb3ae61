"""Curves of a run over its epochs: errors and movement penalties on a fixed sample."""

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.analysis.batches import compiled, map_batches
from zoo.analysis.errors import cross_entropies
from zoo.analysis.movement import movement_measure
from zoo.datasets import Dataset
from zoo.pretrained import error_percent

CURVES = ("worst_", "sampled_")
NORMALIZED = "_normalized"
SUFFIXES = {"none": "", "example": NORMALIZED}  # of the curves of R, by what divides the loss gradient
NUM_SAMPLED = 1000


def unchanged(logits):
    """A network from logits to logits: one pass serves all measures of a sample."""
    return logits


class Curves(keras.callbacks.Callback):
    """Measures errors and movement penalties on a fixed sample, before the first epoch and after each one.

    The curves are `sampled_train_error` and `sampled_test_error` in percent, whose difference is the generalization
    gap; `sampled_train_loss` and `sampled_test_loss`, the cross-entropies, whose difference is that of the VMT paper;
    and `worst_shift`, `worst_rotation` and `worst_scale`: R of each movement on the sampled test inputs, if the
    inputs have such a movement. `worst_shift_normalized` and so on divide the loss gradient of each example by its
    norm, as the VMT paper does. A run that continues an older checkpoint adds only to the curves that it finds there.

    Args:
        dataset: the sample is the first `NUM_SAMPLED` examples of the training and of the test split.
        history: `{name: list}`, the history of a `Checkpoint`; every measurement appends one value per curve.
    """

    def __init__(self, dataset: Dataset, history: dict[str, list[float]]) -> None:
        super().__init__()
        self.dataset, self.history = dataset, history

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Prepares the sample."""
        data = self.dataset
        self.sample = {
            "train": self._prepared(data.x_train, data.y_train),
            "test": self._prepared(data.x_test, data.y_test),
        }
        network, (inputs, _) = self.model.network, self.sample["test"]
        self._logits = compiled(lambda x: self.model.call_network(x, training=False), network)
        self._movements = movement_measure(network, inputs, normalizations=tuple(SUFFIXES))

    def _prepared(self, x, y):
        inputs, _ = self.model.prepare(ops.convert_to_tensor(x[:NUM_SAMPLED]), training=False)
        return ops.convert_to_numpy(inputs), y[:NUM_SAMPLED].ravel()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measures before the first epoch; a resumed run already has this value."""
        if len(self.history.get("sampled_train_error", ())) == epoch:
            self._measure(epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measures after the epoch."""
        self._measure(epoch + 1)

    def _measure(self, place):
        for name, value in self._values():
            if len(self.history.get(name, ())) == place:  # an older checkpoint may lack a curve
                self.history.setdefault(name, []).append(value)

    def _values(self):
        for split, (inputs, labels) in self.sample.items():
            logits = map_batches(self._logits, inputs)
            yield f"sampled_{split}_error", error_percent(unchanged, logits, labels)
            yield f"sampled_{split}_loss", float(np.mean(cross_entropies(unchanged, logits, labels)))
        for normalization, found in map_batches(self._movements, *self.sample["test"]).items():
            for name, changes in found.items():
                yield f"worst_{name}{SUFFIXES[normalization]}", float(np.mean(changes))
