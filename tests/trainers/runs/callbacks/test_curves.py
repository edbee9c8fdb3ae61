"""Curves of a run against measurements of the same network."""

import keras
import numpy as np
import pytest

import zoo
from trainers.runs.callbacks.curves import Curves
from zoo.datasets import Dataset


def test_errors_and_losses_of_both_splits_before_and_after_an_epoch():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 6)).astype("float32"), np.arange(40, dtype="int32") % 3
    model = zoo.RegularizedModel(zoo.networks.mlp((6,), 3, hidden_units=(4,)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.0), loss, metrics=["accuracy"], jit_compile=False)
    history = {}
    model.fit(x, y, epochs=1, verbose=0, callbacks=[Curves(Dataset("toy", x, y, x[:7], y[:7], 3), history)])
    for split, rows in (("train", slice(None)), ("test", slice(7))):
        expected_loss, accuracy = model.evaluate(x[rows], y[rows], verbose=0)
        assert len(history[f"sampled_{split}_error"]) == len(history[f"sampled_{split}_loss"]) == 2
        assert history[f"sampled_{split}_loss"][-1] == pytest.approx(expected_loss, rel=1e-5)
        assert history[f"sampled_{split}_error"][-1] == pytest.approx(100 * (1 - accuracy), abs=1e-4)
