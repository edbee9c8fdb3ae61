"""Layers that Keras does not have. To standardize each entry over a training set, use `keras.layers.Normalization`."""

from zoo.layers.batch_normalization import BatchNormalization
from zoo.layers.contrast_normalization import PerImageContrastNormalization
from zoo.layers.normalized_embedding import NormalizedEmbedding
from zoo.layers.preprocessing import PREPROCESSING, build_preprocessing
from zoo.layers.reconstruction import Reconstruction
from zoo.layers.sparse_code import SparseCode
from zoo.layers.zca_whitening import ZCAWhitening

__all__ = [
    "PREPROCESSING",
    "BatchNormalization",
    "NormalizedEmbedding",
    "PerImageContrastNormalization",
    "Reconstruction",
    "SparseCode",
    "ZCAWhitening",
    "build_preprocessing",
]
