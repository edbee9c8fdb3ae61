"""The network of a recipe."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras

from zoo.ladder import ladder_encoder
from zoo.networks import conv, conv_large, conv_small, mlp
from zoo.recipes.recipe import Recipe
from zoo.validation import check_choice, check_options

NETWORKS: dict[str, Callable[..., keras.Model]] = {
    "mlp": mlp,
    "conv": conv,
    "conv_small": conv_small,
    "conv_large": conv_large,
    "ladder_encoder": ladder_encoder,
}
"""The networks by their names in recipes."""


def network_by_name(name: str, /, input_shape: tuple[int, ...], num_classes: int, **options: Any) -> keras.Model:
    """Builds a network by its name.

    Args:
        name: one of `NETWORKS`.
        input_shape: shape of one example.
        num_classes: number of logits.
        **options: keyword arguments of the network's function. They may include `name`, the name of the model.

    Returns:
        A `keras.Model` from inputs to logits.

    Raises:
        ValueError: the network or an option is unknown, or an option is missing.

    Example:
        >>> from zoo.recipes.network import network_by_name
        >>> network_by_name("mlp", (4,), 3, hidden_units=[8]).output_shape
        (None, 3)
    """
    function = NETWORKS[check_choice("network", name, NETWORKS)]
    check_options(name, options, function, given=("input_shape", "num_classes"))
    return function(input_shape, num_classes, **options)


@contextlib.contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Sets Keras's dtype policy for the layers that the block builds.

    Args:
        name: name of the policy, such as `"mixed_bfloat16"`.

    Example:
        >>> import keras
        >>> from zoo.recipes.network import dtype_policy
        >>> with dtype_policy("mixed_bfloat16"):
        ...     layer = keras.layers.Dense(3)
        >>> layer.compute_dtype, layer.variable_dtype
        ('bfloat16', 'float32')
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def build_network(recipe: Recipe, input_shape: tuple[int, ...], num_classes: int) -> keras.Model:
    """Builds the network of a recipe, freshly initialized. Its layers compute in the recipe's precision.

    Args:
        recipe: the recipe.
        input_shape: shape of one preprocessed input.
        num_classes: number of logits.

    Returns:
        A `keras.Model` from preprocessed inputs to logits.

    Raises:
        TypeError: an option has the wrong type.
        ValueError: the network or an option is unknown, or an option is missing or out of range.

    Example:
        >>> from zoo import recipes
        >>> from zoo.recipes.network import build_network
        >>> build_network(recipes.get("synthetic_mlp-baseline"), (100,), 2).output_shape
        (None, 2)
    """
    options = dict(recipe.network)
    with dtype_policy(recipe.precision):
        return network_by_name(options.pop("name", None), tuple(input_shape), num_classes, **options)
