"""Pictures of training: written every n-th epoch, readable by TensorBoard."""

import io

import keras
import matplotlib.image
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto import event_pb2

import zoo
from trainers.pictures.from_networks import while_training
from trainers.runs.callbacks.picture_log import PictureLog
from zoo.datasets.dataset import Dataset


def logged(directory):
    """`{(name, step): pixels}` of the pictures in the event files."""
    found = {}
    for path in directory.iterdir():
        for record in RawEventFileLoader(str(path)).Load():
            event = event_pb2.Event.FromString(record)
            for value in event.summary.value:
                pixels = matplotlib.image.imread(io.BytesIO(value.image.encoded_image_string))
                assert pixels.shape[:2] == (value.image.height, value.image.width)
                found[value.tag, event.step] = pixels
    return found


def fit(shape, tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.uniform(size=(8, *shape)).astype("float32"), np.arange(8, dtype="int32") % 2
    network = zoo.networks.mlp(shape, 2, hidden_units=(4,))
    model = zoo.RegularizedModel(network)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    log = PictureLog(tmp_path, Dataset("toy", x, y, x, y, 2), 2, while_training)
    model.fit(x, y, epochs=4, callbacks=[log], verbose=0)
    return model


@pytest.mark.parametrize("shape", [(10,), (6, 6, 3)])
def test_every_second_epoch_has_its_pictures(tmp_path, shape):
    fit(shape, tmp_path)
    names = ("pictures/perturbations", "pictures/movements")
    assert set(logged(tmp_path)) == {(name, step) for name in names for step in (1, 3)}


def test_inputs_that_are_neither_signals_nor_images_are_left_out(tmp_path):
    fit((4, 4, 2), tmp_path)
    assert logged(tmp_path) == {}


def test_drawing_does_not_change_training(tmp_path):
    keras.utils.set_random_seed(1)
    with_pictures = fit((10,), tmp_path / "a").get_weights()
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(0)
    x, y = rng.uniform(size=(8, 10)).astype("float32"), np.arange(8, dtype="int32") % 2
    model = zoo.RegularizedModel(zoo.networks.mlp((10,), 2, hidden_units=(4,)))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, epochs=4, verbose=0)
    for a, b in zip(with_pictures, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
