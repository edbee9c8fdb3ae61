"""Curves of a run against measurements of the same network."""

import keras
import numpy as np
import pytest

import zoo
from trainers.runs.callbacks.curves import Curves
from zoo.analysis import worst_movement_changes
from zoo.datasets import Dataset


def record_curves(x, y, history=None, **options):
    """Trains for one epoch at rate 0, and returns the model with its curves. The test split has seven examples."""
    model = zoo.RegularizedModel(zoo.networks.mlp(x.shape[1:], 3, hidden_units=(4,)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.0), loss, metrics=["accuracy"], jit_compile=False)
    history = {} if history is None else history
    curves = Curves(Dataset("toy", x, y, x[:7], y[:7], 3), history)
    model.fit(x, y, epochs=1 + options.get("initial_epoch", 0), verbose=0, callbacks=[curves], **options)
    return model, history


def test_errors_and_losses_of_both_splits_before_and_after_an_epoch():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 6)).astype("float32"), np.arange(40, dtype="int32") % 3
    model, history = record_curves(x, y)
    for split, rows in (("train", slice(None)), ("test", slice(7))):
        expected_loss, accuracy = model.evaluate(x[rows], y[rows], verbose=0)
        assert len(history[f"sampled_{split}_error"]) == len(history[f"sampled_{split}_loss"]) == 2
        assert history[f"sampled_{split}_loss"][-1] == pytest.approx(expected_loss, rel=1e-5)
        assert history[f"sampled_{split}_error"][-1] == pytest.approx(100 * (1 - accuracy), abs=1e-4)


def test_movement_penalties_with_the_gradient_as_it_is_and_of_norm_one():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 5, 5, 1)).astype("float32"), np.arange(12, dtype="int32") % 3
    model, history = record_curves(x, y)
    for normalization, suffix in (("none", ""), ("example", "_normalized")):
        changes = worst_movement_changes(model.network, x[:7], y[:7], normalization=normalization)
        assert changes.keys() == {"shift", "rotation", "scale"}
        for movement, values in changes.items():
            assert len(history[f"worst_{movement}{suffix}"]) == 2
            assert history[f"worst_{movement}{suffix}"][-1] == pytest.approx(values.mean(), rel=1e-5)


def test_a_run_that_continues_an_older_checkpoint_leaves_out_the_curves_that_it_lacks():
    x, y = np.eye(12, 6, dtype="float32"), np.arange(12, dtype="int32") % 3
    history = {name: [1.0, 2.0] for name in ("sampled_train_error", "sampled_test_error", "worst_shift")}
    record_curves(x, y, history, initial_epoch=1)
    assert {name: len(values) for name, values in history.items()} == dict.fromkeys(history, 3)
    assert history.keys() == {"sampled_train_error", "sampled_test_error", "worst_shift"}
