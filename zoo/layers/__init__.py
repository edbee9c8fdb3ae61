"""Layers that Keras lacks. To standardize each entry over the training set, use `keras.layers.Normalization`."""

from zoo.ladder.pooling import Broadcast2D, ScaledGlobalMean2D, Unpooling2D, WholeMaxPooling2D
from zoo.layers.batch_normalization import BatchNormalization
from zoo.layers.contrast_normalization import PerImageContrastNormalization
from zoo.layers.preprocessing import PREPROCESSING, build_preprocessing
from zoo.layers.zca_whitening import ZCAWhitening

__all__ = [
    "PREPROCESSING",
    "BatchNormalization",
    "Broadcast2D",
    "PerImageContrastNormalization",
    "ScaledGlobalMean2D",
    "Unpooling2D",
    "WholeMaxPooling2D",
    "ZCAWhitening",
    "build_preprocessing",
]
