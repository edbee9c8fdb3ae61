"""Loading by name: sizes, validation sets and seeds."""

import dataclasses

import numpy as np
import pytest

from zoo import datasets
from zoo.datasets import tfds_images


@pytest.fixture
def images(monkeypatch):
    """Stands for a set of TensorFlow Datasets; the pixels of training image i are i."""
    x = np.broadcast_to(np.arange(40, dtype="uint8")[:, None, None, None], (40, 2, 2, 1))
    arrays = x, np.arange(40, dtype="int32") % 4, x[:8], np.arange(8, dtype="int32") % 4
    monkeypatch.setattr(tfds_images, "load_images", lambda name: (*arrays, 4))
    return arrays


def test_synthetic():
    data = datasets.load("synthetic", seed=2)
    assert data.name == "synthetic" and data.num_classes == 2
    assert data.x_train.shape == (1000, 100) and data.x_test.shape == (9000, 100)
    assert data.x_validation is None and data.y_validation is None
    assert np.array_equal(data.x_train, datasets.synthetic_sines(seed=2)[0])
    assert not np.array_equal(data.x_train, datasets.load("synthetic", seed=3).x_train)


def test_validation_examples_leave_the_training_set():
    whole, split = datasets.load("synthetic"), datasets.load("synthetic", num_validation=100)
    assert split.x_train.shape == (900, 100)
    assert np.bincount(split.y_validation).tolist() == [50, 50]
    together = np.concatenate([split.x_train, split.x_validation])
    assert np.array_equal(np.unique(together, axis=0), np.unique(whole.x_train, axis=0))
    assert np.array_equal(split.x_test, whole.x_test)


def test_images_are_handed_on(images):
    data = datasets.load("some_set", num_validation=12)
    assert data.num_classes == 4 and data.x_test is images[2]
    # Pixel and label still belong together.
    assert np.array_equal(data.x_validation[:, 0, 0, 0] % 4, data.y_validation)
    assert np.array_equal(data.x_train[:, 0, 0, 0] % 4, data.y_train)
    assert np.bincount(data.y_validation).tolist() == [3] * 4


def test_seed_draws_the_validation_set(images):
    first, again, other = (datasets.load("some_set", seed=s, num_validation=12).x_validation for s in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_dataset_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        datasets.load("synthetic").name = "other"


@pytest.mark.parametrize("num_validation", [-1, 40])
def test_num_validation_out_of_range(images, num_validation):
    with pytest.raises(ValueError, match="num_validation"):
        datasets.load("some_set", num_validation=num_validation)
