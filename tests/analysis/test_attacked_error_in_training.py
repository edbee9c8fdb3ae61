"""The callbacks that use the error under attack: early stopping, Keras's checkpoints and the zoo's."""

import keras
import numpy as np
import pytest
from keras import layers

from tests.support.margins import expected_percent
from zoo.analysis import AttackedError
from zoo.training.callbacks import Checkpoint

RNG = np.random.default_rng(2)
EPSILON = 0.3
LONG = {"num_steps": 2, "step_size": 10 * EPSILON}  # reaches the worst point of the ball, if the gradient is constant


class Collapse(keras.callbacks.Callback):
    """Gives a linear classifier other weights after each epoch: the best ones after the second."""

    def __init__(self, weights):
        super().__init__()
        self.weights = weights

    def on_epoch_end(self, epoch, logs=None):
        w = self.weights[epoch]
        self.model.network.set_weights([np.stack([0 * w, w], axis=1), np.zeros(2, "float32")])


@pytest.fixture
def collapsing(model):
    """A linear model, inputs and labels, the weights of five epochs, and the error under attack after each."""
    trained = model(keras.Sequential([keras.Input((5,)), layers.Dense(2)]))
    trained.build((None, 5))
    x, w = RNG.normal(size=(400, 5)).astype("float32"), RNG.normal(size=5)
    weights = [(turn * w).astype("float32") for turn in (-1, 1, np.array([-1, -1, 1, 1, 1]), -1, -1)]
    y = (x @ w > 0).astype("int32")
    return trained, x, y, weights, [expected_percent(each, x, y, "linf", EPSILON) for each in weights]


def test_early_stopping_and_checkpoints_see_the_error(collapsing, tmp_path):
    """Both keep the epoch before the collapse."""
    trained, x, y, weights, errors = collapsing
    stopping = keras.callbacks.EarlyStopping(monitor="val_attacked_error", mode="min", patience=2)
    best = keras.callbacks.ModelCheckpoint(
        tmp_path / "epoch-{epoch}.weights.h5",
        monitor="val_attacked_error",
        mode="min",
        save_best_only=True,
        save_weights_only=True,
    )
    callbacks = [Collapse(weights), AttackedError(x, y, "pgd_linf", EPSILON, **LONG), stopping, best]
    history = trained.fit(x, y, epochs=5, callbacks=callbacks, verbose=0).history
    assert errors[1] < errors[0] and errors[1] < min(errors[2:])
    np.testing.assert_allclose(history["val_attacked_error"], errors[:4], atol=0.3)  # margins at the edge of the ball
    assert stopping.best_epoch == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch-1.weights.h5", "epoch-2.weights.h5"]


def test_early_stopping_that_comes_first_sees_no_error(collapsing):
    trained, x, y, weights, _ = collapsing
    stopping = keras.callbacks.EarlyStopping(monitor="val_attacked_error", mode="min", patience=1)
    callbacks = [stopping, Collapse(weights), AttackedError(x, y, "pgd_linf", EPSILON, **LONG)]
    with pytest.warns(UserWarning, match="val_attacked_error` which is not available"):
        history = trained.fit(x, y, epochs=5, callbacks=callbacks, verbose=0).history
    assert len(history["loss"]) == 5


@pytest.mark.parametrize("first", [True, False])
def test_the_zoo_s_checkpoint_keeps_the_curve_if_it_comes_after(first, network, model, data, tmp_path):
    x, y = data
    trained, checkpoint = model(network()), Checkpoint(tmp_path)
    callbacks = [AttackedError(x, y, "pgd_linf", 0.1, num_steps=1), checkpoint]
    trained.fit(x, y, epochs=2, callbacks=callbacks if first else callbacks[::-1], verbose=0)
    assert ("val_attacked_error" in Checkpoint(tmp_path).state["history"]) == first


def test_an_unknown_option_fails_before_the_training():
    with pytest.raises(TypeError, match="unexpected keyword argument 'num_step'"):
        AttackedError(np.zeros((2, 3)), np.zeros(2), "pgd_linf", 0.1, num_step=3)
