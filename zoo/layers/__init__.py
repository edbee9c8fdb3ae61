"""Preprocessing layers. To standardise each entry over the training set, use `keras.layers.Normalization`."""

from zoo.layers.contrast_normalization import PerImageContrastNormalization
from zoo.layers.preprocessing import PREPROCESSING, build_preprocessing
from zoo.layers.zca_whitening import ZCAWhitening

__all__ = ["PREPROCESSING", "PerImageContrastNormalization", "ZCAWhitening", "build_preprocessing"]
