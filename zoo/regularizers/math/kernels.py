"""The kernels among a network's variables."""

from zoo.validation import check_choice


def is_kernel(variable):
    """Whether a variable is the matrix of an affine map, as against a bias, a normalization's parameter or a slope."""
    return len(variable.shape) >= 2 and variable.name not in ("bias", "beta", "gamma", "alpha")


def kernel_of(layer, variables):
    """The kernel of a layer.

    Args:
        layer: its name, `"hidden_1"`, with more of the variable's path where it takes that to tell it from others:
            `"lstm/lstm_cell/recurrent_kernel"`. (Keras's paths do not always have the models around a layer.)
        variables: of the network.

    Raises:
        ValueError: there is none, with the nearest name, or several.
    """
    kernels = [variable for variable in variables if is_kernel(variable)]
    owner = {variable.path: variable.path.rpartition("/")[0] for variable in kernels}
    found = [v for v in kernels if any(f"/{place}".endswith(f"/{layer}") for place in (v.path, owner[v.path]))]
    if len(found) > 1:
        names = ", ".join(variable.path for variable in found)
        raise ValueError(
            f"{layer!r} names several kernels: {names}. Name one by more of its path, or give the layers other names."
        )
    if not found:
        check_choice("layer with a kernel", layer, {place.rpartition("/")[2] for place in owner.values()})
    return found[0]
