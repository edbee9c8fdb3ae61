"""The outputs of layers as the tensor that penalties move."""

import contextlib
import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
from keras import ops

from zoo.backend.interception import intercepted
from zoo.backend.keras_internals import flatten_layers
from zoo.regularizers.math import per_example
from zoo.regularizers.math.per_example import expand_last
from zoo.training.inputs import named_inputs
from zoo.training.perturbed_inputs import JointInputs, WholeInput
from zoo.validation import check_choice

Tensor = Any  # a tensor of the backend


class LayerOutputs(WholeInput):
    """What named layers return. Each of them runs once in a pass.

    A pass with a tensor t adds `t − t₀` to the outputs, with t₀ those of the clean pass. Positions that the layer's
    mask excludes, such as padding, stay as they are.

    Args:
        inputs: the inputs of the network.
        network: any Keras network, built.
        names: names of layers at any depth. The outputs of several are joined as `(n, entries)`.

    Raises:
        ValueError: no layer or more than one has a name; or, in a pass, a layer does not return one floating-point
            tensor or does not run exactly once.

    Example:
        >>> from zoo.training.perturbed_layers import LayerOutputs
        >>> network = keras.Sequential([keras.Input((2,)), keras.layers.Embedding(5, 3, name="embedding")])
        >>> tokens = keras.ops.convert_to_tensor([[1, 2]])
        >>> outputs = LayerOutputs(tokens, network, ["embedding"])
        >>> def run(tensor):
        ...     with outputs.placed(tensor) as inputs:
        ...         return network(inputs)
        >>> moved = run(outputs.tensor(run) + 1.0)
        >>> float(keras.ops.max(moved - network(tokens)))
        1.0
    """

    def __init__(self, inputs: Any, network: keras.Layer, names: Sequence[str]):
        super().__init__(inputs)
        self.layers = {name: find_layer(network, name) for name in names}
        self.in_units = False
        self.names = [f"output of {' and '.join(map(repr, names))}"]
        self.clean: list[Any] = []
        self._order: list[str] = []
        self.masks: list[Tensor | None] = []

    def tensor(self, run: Any) -> Tensor:
        """The tensor at the inputs. It takes a pass of its own, which compilers merge with the clean pass."""
        self.clean, self.masks, self._order = [], [], []
        run(None)
        for name, outputs in zip(self._order, self.clean, strict=True):
            self._check(name, outputs)
        double = any(keras.backend.standardize_dtype(each.dtype) == "float64" for each in self.clean)
        dtype = "float64" if double else keras.config.floatx()
        self.parts = [ops.stop_gradient(ops.cast(self.join(self.clean), dtype))]
        masked = any(mask is not None for mask in self.masks)
        if masked:
            self.moved = self.join([_as_ones(m, each, dtype) for m, each in zip(self.masks, self.clean, strict=True)])
        if len(self.layers) > 1:
            self.no_lattice = f"it joins the outputs of the layers {', '.join(map(repr, self.layers))} in one vector"
        elif masked or len(self.parts[0].shape) < 3:
            self.no_lattice = f"the {self.names[0]} has {'padding' if masked else 'no positions'}"
        return self.parts[0]

    def join(self, parts: Sequence[Tensor]) -> Tensor:
        """Makes the tensor of its parts."""
        return parts[0] if len(parts) == 1 else ops.concatenate([per_example.flatten(each) for each in parts], axis=1)

    def bounds(self, input_range: Any) -> None:
        """None: the outputs of layers have no known range."""
        if input_range is not None:
            raise ValueError(
                f"input_range={input_range!r} is in units of the input, but the {self.names[0]} moves. Pass None."
            )

    @contextlib.contextmanager
    def placed(self, tensor: Tensor | list[Tensor] | None) -> Iterator[Any]:
        """A context for a pass with a tensor in place of the present one, or with None for the clean outputs."""
        tensor = tensor[0] if isinstance(tensor, list) else tensor
        shift, inputs, calls = None, self.inputs, []
        if tensor is not None:
            rows = ops.shape(tensor)[0]
            # On TensorFlow the tape watches this very tensor, so the difference would have derivative 0.
            shift = tensor - ops.stop_gradient(self.parts[0])[:rows]
            inputs = keras.tree.map_structure(lambda each: each[:rows], inputs)
        with contextlib.ExitStack() as stack:
            for name, layer in self.layers.items():
                stack.enter_context(intercepted(layer, functools.partial(self._change, name, calls, shift)))
            yield inputs
        for name in self.layers:
            if calls.count(name) != 1:
                raise ValueError(
                    f"Penalties and attacks perturb the output of a layer that runs once in a pass, received {name!r}, "
                    f"which runs {calls.count(name)} times."
                )

    def _change(self, name, calls, shift, outputs, mask):
        """Records what a layer returns if `shift` is None, else adds the layer's piece of it."""
        calls.append(name)
        if shift is None:
            self._order.append(name)
            self.clean.append(outputs)
            self.masks.append(mask)
            return outputs
        piece = ops.cast(self._piece(shift, len(calls) - 1), outputs.dtype)
        return outputs + (piece if mask is None else piece * _as_ones(mask, outputs, outputs.dtype))

    def _check(self, name, outputs):
        if keras.tree.is_nested(outputs) or not keras.backend.is_float_dtype(outputs.dtype):
            raise ValueError(
                f"Penalties and attacks perturb one floating-point tensor, but {name!r} returns {outputs!r}."
            )
        rows, expected = outputs.shape[0], keras.tree.flatten(self.inputs)[0].shape[0]
        if None not in (rows, expected) and rows != expected:
            raise ValueError(
                f"Penalties and attacks perturb what a layer returns for each example, but {name!r} returns {rows} "
                f"rows for {expected} examples."
            )

    def _piece(self, shift, index):
        """The piece of a joint tensor that belongs to the layer that runs at this place."""
        if len(self.layers) == 1 or index >= len(self.clean):
            return shift
        sizes = [math.prod(ops.shape(each)[1:]) for each in self.clean]
        start = sum(sizes[:index])
        return ops.reshape(shift[:, start : start + sizes[index]], (-1, *ops.shape(self.clean[index])[1:]))


def _as_ones(mask: Tensor | None, outputs: Tensor, dtype: str) -> Tensor:
    """Ones and zeros of the shape of a layer's outputs."""
    ones = ops.ones(ops.shape(outputs), dtype)
    if mask is None:
        return ones
    return ones * ops.cast(expand_last(mask, outputs), dtype)


def find_layer(network: keras.Layer, name: str) -> keras.Layer:
    """The layer of this name inside a network, at any depth.

    Args:
        network: any Keras network, built.
        name: name of the layer.

    Raises:
        ValueError: there is no such layer, or there are several.

    Example:
        >>> from zoo.training.perturbed_layers import find_layer
        >>> find_layer(zoo.networks.mlp((4,), 3, hidden_units=(8,)), "logits").units
        3
    """
    inner = {id(layer): layer for layer in flatten_layers(network) if layer is not network}
    found = [layer for layer in inner.values() if layer.name == name]
    check_choice("layer in perturb", name, {layer.name for layer in inner.values()})
    if len(found) > 1:
        raise ValueError(f"perturb={name!r} must name one layer, but {len(found)} layers have this name.")
    return found[0]


def layer_names(perturb: Any) -> list[str]:
    """The names of layers in `perturb`; empty if it speaks of inputs.

    Args:
        perturb: as for `RegularizedModel`.

    Example:
        >>> from zoo.training.perturbed_layers import layer_names
        >>> layer_names("embedding"), layer_names({"image": 1.0})
        (['embedding'], [])
    """
    if isinstance(perturb, str):
        return [perturb]
    named = isinstance(perturb, (list, tuple)) and perturb and all(isinstance(each, str) for each in perturb)
    return list(perturb) if named else []


def perturbed_tensor(perturb: Any, network: keras.Layer, inputs: Any) -> WholeInput:
    """How the tensor that penalties move is put together.

    Args:
        perturb: as for `RegularizedModel`.
        network: any Keras network, built.
        inputs: the inputs of a batch, as the network takes them.

    Example:
        >>> from zoo.training.perturbed_layers import perturbed_tensor
        >>> type(perturbed_tensor(None, zoo.networks.mlp((4,), 3), np.ones((2, 4)))).__name__
        'WholeInput'
    """
    if names := layer_names(perturb):
        return LayerOutputs(inputs, network, names)
    if perturb is None or isinstance(perturb, Mapping):
        if perturb is None and not keras.tree.is_nested(inputs):
            return WholeInput(inputs)
        return JointInputs(inputs, network, perturb)
    name, *others = named_inputs(network, inputs)
    if others:
        raise ValueError(f"The network has several inputs: perturb= must name them, as in {{{name!r}: 1.0}}.")
    return JointInputs(inputs, network, {name: perturb})
