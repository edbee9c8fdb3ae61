"""The kernels among the variables of a network."""

from collections.abc import Iterable

import keras

from zoo.validation import check_choice


def is_kernel(variable: keras.Variable) -> bool:
    """Whether a variable is a weight matrix, not a bias, a slope or a parameter of a normalization.

    Args:
        variable: variable of a network.

    Example:
        >>> from zoo.regularizers.math.kernels import is_kernel
        >>> network = zoo.networks.mlp((4,), 3, hidden_units=())
        >>> [is_kernel(variable) for variable in network.trainable_variables]
        [True, False]
    """
    return len(variable.shape) >= 2 and variable.name not in ("bias", "beta", "gamma", "alpha")


def trainable_kernels(variables: Iterable[keras.Variable]) -> list[keras.Variable]:
    """The kernels that training changes.

    Args:
        variables: variables of a network.

    Example:
        >>> from zoo.regularizers.math.kernels import trainable_kernels
        >>> [v.name for v in trainable_kernels(zoo.networks.mlp((4,), 3, hidden_units=()).variables)]
        ['kernel']
    """
    return [variable for variable in variables if variable.trainable and is_kernel(variable)]


def kernel_of(layer: str, variables: Iterable[keras.Variable]) -> keras.Variable:
    """The kernel of a layer.

    Args:
        layer: name of the layer, such as `"hidden_1"`. If several layers have that name, add the part of the variable's
            path that tells them apart: `"lstm/lstm_cell/recurrent_kernel"`. (Keras's paths do not always include the
            models around a layer.)
        variables: variables of the network.

    Returns:
        The variable.

    Raises:
        ValueError: no kernel has that name, with the nearest name; or several kernels have it.

    Example:
        >>> from zoo.regularizers.math.kernels import kernel_of
        >>> network = zoo.networks.mlp((4,), 3, hidden_units=(5,))
        >>> tuple(kernel_of("hidden_1", network.variables).shape)
        (4, 5)
    """
    kernels = [variable for variable in variables if is_kernel(variable)]
    owner = {variable.path: variable.path.rpartition("/")[0] for variable in kernels}
    found = [v for v in kernels if any(f"/{place}".endswith(f"/{layer}") for place in (v.path, owner[v.path]))]
    if len(found) > 1:
        names = ", ".join(variable.path for variable in found)
        raise ValueError(
            f"{layer!r} names several kernels: {names}. Give more of the path of one of them, or rename the layers."
        )
    if not found:
        check_choice("layer with a kernel", layer, {place.rpartition("/")[2] for place in owner.values()})
    return found[0]
