"""A data set as raw arrays, loaded by name."""

import dataclasses

import numpy as np

from zoo.datasets import synthetic, tfds_images
from zoo.datasets.splits import hold_out


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Raw inputs and labels of one classification problem.

    Attributes:
        name: the name that `load` takes.
        x_train, x_test: signals `(n, 100)` in float32, or images `(n, height, width, channels)` in uint8, 0
            to 255.
        y_train, y_test: labels `(n,)` in int32, from 0 to `num_classes - 1`.
        num_classes: number of classes.
        x_validation, y_validation: examples held out of the training set, None unless asked for. They are for
            every choice of a hyperparameter; the test set is for the final figure only.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    num_classes: int
    x_validation: np.ndarray | None = None
    y_validation: np.ndarray | None = None


def load(name, *, seed=0, num_validation=0):
    """Loads a data set.

    Args:
        name: `"synthetic"`, or any image classification set of TensorFlow Datasets with a train and a test
            split, such as `"mnist"`, `"cifar10"` or `"mnist:3.0.1"`.
        seed: draws the validation examples, and for `"synthetic"` the data as well.
        num_validation: number of training examples to hold out, class-balanced when it divides by the number
            of classes.

    Returns:
        A `Dataset`. Its training set lacks the validation examples.

    Raises:
        ValueError: the set is unknown, cannot be obtained or is no image classification set, or
            `num_validation` is not smaller than the training set.
    """
    if name == "synthetic":
        arrays, num_classes = synthetic.synthetic_sines(seed), len(synthetic.FREQUENCIES)
    else:
        *arrays, num_classes = tfds_images.load_images(name)
    x_train, y_train, x_test, y_test = arrays
    train, validation = hold_out(y_train, num_validation, seed)
    if not num_validation:
        return Dataset(name, x_train, y_train, x_test, y_test, num_classes)
    held_out = x_train[validation], y_train[validation]
    return Dataset(name, x_train[train], y_train[train], x_test, y_test, num_classes, *held_out)
