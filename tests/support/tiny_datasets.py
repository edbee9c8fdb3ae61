"""Random inputs in place of the data sets of recipes."""

import numpy as np

from zoo.datasets import Dataset

# Images are 16 pixels smaller than the real ones.
SHAPES = {"synthetic": (100,), "mnist": (12, 12, 1), "cifar10": (16, 16, 3)}


def tiny_dataset(name, num_examples=40):
    rng = np.random.default_rng(0)
    shape = (num_examples, *SHAPES[name])
    x = rng.normal(size=shape).astype("float32") if name == "synthetic" else rng.integers(0, 256, shape, dtype="uint8")
    num_classes = 2 if name == "synthetic" else 10
    y = np.arange(num_examples, dtype="int32") % num_classes
    return Dataset(name, x, y, x, y, num_classes, x, y)
