"""Classifiers: Keras functional models from inputs to logits."""

from zoo.ladder.encoder import ladder_encoder
from zoo.networks.conv import conv_large, conv_small
from zoo.networks.ensemble import CombinedLogits, ensemble
from zoo.networks.mlp import mlp
from zoo.validation import check_choice, check_options

__all__ = ["NETWORKS", "CombinedLogits", "build", "conv_large", "conv_small", "ensemble", "mlp"]

NETWORKS = {function.__name__: function for function in (mlp, conv_small, conv_large, ladder_encoder)}
"""Every network's function by its name."""


def build(name, /, input_shape, num_classes, **options):
    """Builds a network by its name.

    Args:
        name: one of `NETWORKS`: `"mlp"`, `"conv_small"`, `"conv_large"`, `"ladder_encoder"`.
        input_shape: shape of one example.
        num_classes: number of logits.
        **options: keyword arguments of the network's function.

    Returns:
        A `keras.Model` from inputs to logits.

    Raises:
        ValueError: the network or an option is unknown, or an option is missing.
    """
    function = NETWORKS[check_choice("network", name, NETWORKS)]
    check_options(name, options, function, given=("input_shape", "num_classes"))
    return function(input_shape, num_classes, **options)
