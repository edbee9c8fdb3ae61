"""Classifiers: Keras functional models from inputs to logits."""

from zoo.networks.conv import conv, conv_large, conv_small
from zoo.networks.ensemble import CombinedLogits, ensemble
from zoo.networks.mlp import mlp

__all__ = ["CombinedLogits", "conv", "conv_large", "conv_small", "ensemble", "mlp"]
