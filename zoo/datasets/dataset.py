"""A data set as raw arrays, loaded by name."""

import dataclasses

import numpy as np

from zoo.backend.random_numbers import Seed, as_integer
from zoo.datasets import synthetic, tfds_images
from zoo.datasets.splits import hold_out


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Raw inputs and labels of one classification problem.

    Attributes:
        name: the name that `load` takes.
        x_train: training inputs: signals `(n, 100)` in float32, or images `(n, height, width, channels)` in uint8, 0
            to 255.
        y_train: training labels `(n,)` in int32, 0 to `num_classes - 1`.
        x_test: test inputs, as `x_train`.
        y_test: test labels, as `y_train`.
        num_classes: number of classes.
        x_validation: inputs held out of the training set, or None. Use them to choose hyperparameters, and the test
            set only for the final error.
        y_validation: labels of `x_validation`, or None.

    Example:
        >>> import numpy as np
        >>> from zoo.datasets import Dataset
        >>> x, y = np.zeros((4, 28, 28, 1), "uint8"), np.array([0, 1, 0, 1], "int32")
        >>> Dataset("mine", x_train=x, y_train=y, x_test=x, y_test=y, num_classes=2).x_validation is None
        True
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    num_classes: int
    x_validation: np.ndarray | None = None
    y_validation: np.ndarray | None = None


def load(name: str, *, seed: Seed = 0, num_validation: int = 0) -> Dataset:
    """Loads a data set.

    Args:
        name: `"synthetic"`, or any image classification set of TensorFlow Datasets with a train and a test split, such
            as `"mnist"`, `"cifar10"` or `"mnist:3.0.1"`.
        seed: integer of at least 0, `keras.random.SeedGenerator` or None. Draws the validation examples, and the
            signals of `"synthetic"`.
        num_validation: number of training examples to hold out. If it is divisible by the number of classes, they are
            class-balanced.

    Returns:
        A `Dataset`. Its training set excludes the validation examples.

    Raises:
        TypeError: `num_validation` is not an integer, or `seed` is none of these.
        ValueError: the set is unknown, cannot be downloaded or is not an image classification set, or
            `num_validation` is not smaller than the training set.

    Example:
        >>> from zoo import datasets
        >>> data = datasets.load("synthetic", num_validation=100)
        >>> data.x_train.shape, data.x_validation.shape, data.num_classes
        ((900, 100), (100, 100), 2)
    """
    seed = as_integer(seed)
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
