"""A model as in a new process, and its training from the newest checkpoint of a folder."""

import keras
import pytest
from keras import layers

import zoo
from tests.support.interruptions import SaveWithin
from zoo.training.callbacks.checkpoint import Checkpoint


@pytest.fixture
def fresh(quick, network, model):
    """Makes the model again, like a new process."""

    def make():
        keras.utils.set_random_seed(8)
        middle = [layers.BatchNormalization(), layers.Dropout(0.3, seed=4)]
        made = model(network(*middle), zoo.Smoothness(0.5, ramp_up_steps=5), optimizer="adam", **quick)
        made.build((None, 6))
        return made

    return make


@pytest.fixture
def train(data, fresh, fit, tmp_path):
    """Trains up to 4 epochs from the newest checkpoint of a folder, and returns the model and the `Checkpoint`."""

    def run(folder="run", callbacks=(), epochs=4, early_stopping=None, save_within=None, **options):
        trained = fresh()
        checkpoint = Checkpoint(tmp_path / folder, early_stopping)
        checkpoint.restore(trained, [each[:8] for each in data])
        callbacks = [*callbacks, *([SaveWithin(checkpoint, *save_within)] if save_within else [])]
        batches = zoo.datasets.Batches(*data, 8)
        batches.epoch = checkpoint.state["epochs"]
        start = {"initial_epoch": batches.epoch, "epochs": batches.epoch if checkpoint.state["stopped"] else epochs}
        fit(trained, batches, callbacks=[checkpoint.timer, *callbacks, checkpoint], **start, **options)
        return trained, checkpoint

    return run
