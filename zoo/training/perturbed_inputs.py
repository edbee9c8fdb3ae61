"""The tensor that penalties move: the input, several inputs, or parts of them."""

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.regularizers.math import per_example
from zoo.training.inputs import is_text, named_inputs
from zoo.validation import check_choice

Tensor = Any  # a tensor of the backend


class WholeInput:
    """The one input of a network.

    Args:
        inputs: `(n, ...)`, as the network takes them.

    Attributes:
        names: what the parts of the tensor are, for messages.
        parts: the parts, each of which the network should depend on.
        moved: 1 where penalties move the tensor and 0 elsewhere, in a shape that broadcasts to it; None if everywhere.
        in_units: whether the tensor is in units of the input.
        no_lattice: why the tensor lies on no lattice; None if its axes but the last are a lattice.

    Example:
        >>> from zoo.training.perturbed_inputs import WholeInput
        >>> whole = WholeInput(np.ones((2, 3)))
        >>> with whole.placed(np.zeros((1, 3))) as inputs:
        ...     inputs
        array([[0., 0., 0.]])
    """

    def __init__(self, inputs: Any):
        self.inputs = inputs
        self.names: list[str] = ["input"]
        self.parts: list[Tensor] = [inputs]
        self.moved: Tensor | None = None
        self.in_units = True
        self.no_lattice: str | None = None

    def join(self, parts: Sequence[Tensor]) -> Tensor:
        """Makes the tensor of its parts."""
        return parts[0]

    def tensor(self, run: Any) -> Tensor:
        """The tensor at the inputs, constant with respect to the weights.

        Args:
            run: `tensor -> anything`. It runs the network with `placed(tensor)`, or as it is with `placed(None)`.
        """
        return self.join(self.parts)

    def bounds(self, input_range: Any) -> tuple[Any, Any] | None:
        """The range of the tensor from that of the inputs.

        Args:
            input_range: `(low, high)` of valid inputs, or None.

        Returns:
            `(low, high)`, numbers or arrays that broadcast to the tensor; or None.
        """
        return input_range

    @contextlib.contextmanager
    def placed(self, tensor: Tensor | list[Tensor] | None) -> Iterator[Any]:
        """A context for a pass with a tensor in place of the present one.

        Args:
            tensor: as `tensor` returns it, or its first rows; or its parts as a list; or None.

        Yields:
            The inputs for the network.
        """
        yield tensor[0] if isinstance(tensor, list) else tensor


class JointInputs(WholeInput):
    """Several inputs or parts of inputs, as one tensor `(n, entries)`.

    An entry with scale s appears divided by s, so that a step of the tensor moves it s times as far. Entries with scale
    0 are not part of the tensor. A single input with one scale keeps its shape.

    Args:
        inputs: one tensor, or a dictionary, list or tuple of tensors.
        network: the network that takes them.
        scales: `{name: scale}`, a number or an array that broadcasts to one example. Other inputs are not moved. None
            moves all floating-point inputs with scale 1.

    Raises:
        ValueError: a name is unknown, an input that is to move holds integers or strings, or an array does not fit.

    Example:
        >>> from zoo.training.perturbed_inputs import JointInputs
        >>> inputs = {"age": keras.ops.ones((2, 1)), "image": keras.ops.ones((2, 4))}
        >>> joint = JointInputs(inputs, None, {"image": np.array([0.5, 0.5, 0.5, 0.0])})
        >>> np.asarray(joint.tensor(None))
        array([[2., 2., 2.],
               [2., 2., 2.]], dtype=float32)
    """

    def __init__(self, inputs: Any, network: Any, scales: Mapping[str, Any] | None):
        super().__init__(inputs)
        self.named = named_inputs(network, inputs)
        self.scales = _checked_scales(self.named, scales)
        self.names = [f"input {name!r}" for name in self.scales]
        self.in_units = all(np.isin(scale, (0.0, 1.0)).all() for scale in self.scales.values())
        whole = [name for name, scale in self.scales.items() if not scale.ndim]
        self.keeps_shape = len(self.names) == len(whole) == 1
        if not self.keeps_shape:
            self.no_lattice = f"it joins entries of the inputs {', '.join(map(repr, self.scales))} in one vector"
        self.parts = [self._part(name) for name in self.scales]

    def _part(self, name):
        tensor, scale = self.named[name], self.scales[name]
        if self.keeps_shape:
            return tensor if scale == 1 else tensor / float(scale)
        flat = per_example.flatten(tensor)
        if not scale.ndim:
            return flat / float(scale)
        places = np.flatnonzero(scale)
        return ops.take(flat, places, axis=1) / ops.cast(scale.ravel()[places], flat.dtype)

    def join(self, parts: Sequence[Tensor]) -> Tensor:
        """Makes the tensor of its parts."""
        if not parts:  # no input moves: a tensor without entries, which still counts the examples
            return ops.zeros((ops.shape(next(iter(self.named.values())))[0], 0), keras.config.floatx())
        return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1)

    def bounds(self, input_range: Any) -> tuple[Any, Any] | None:
        """The range of the tensor from that of the inputs, which may be `{name: (low, high)}`."""
        if input_range is None:
            return None
        ranges = input_range if isinstance(input_range, Mapping) else dict.fromkeys(self.scales, input_range)
        for name in ranges:
            check_choice("moving input in input_range", name, self.scales)
        given = {name: np.asarray(ranges.get(name, (-math.inf, math.inf)))[:, None] for name in self.scales}
        if self.keeps_shape:
            ((name, scale),) = self.scales.items()
            low, high = sorted((given[name] / scale).ravel().tolist())
            return low, high
        bounds = np.concatenate([given[name] / self._nonzero(name) for name in self.scales], axis=1)
        return bounds.min(axis=0)[None], bounds.max(axis=0)[None]

    def _nonzero(self, name):
        """The scale of each entry that moves, `(entries,)`."""
        scale = np.broadcast_to(self.scales[name], tuple(self.named[name].shape[1:])).ravel()
        return scale[scale != 0]

    def split(self, tensor: Tensor) -> list[Tensor]:
        """The parts of the tensor."""
        if self.keeps_shape or not self.parts:
            return [tensor][: len(self.parts)]
        pieces, start = [], 0
        for part in self.parts:
            stop = start + ops.shape(part)[1]
            pieces.append(tensor[:, start:stop])
            start = stop
        return pieces

    @contextlib.contextmanager
    def placed(self, tensor: Tensor | list[Tensor] | None) -> Iterator[Any]:
        """A context for a pass with a tensor in place of the present one."""
        parts: list[Any] = tensor if isinstance(tensor, list) else self.split(tensor)
        rows = ops.shape(tensor[0] if isinstance(tensor, list) else tensor)[0]
        present = {name: each[:rows] for name, each in self.named.items()}
        for name, part in zip(self.scales, parts, strict=True):
            present[name] = _replaced(present[name], part, self.scales[name])
        yield keras.tree.pack_sequence_as(self.inputs, list(present.values()))


def _replaced(tensor: Tensor, part: Tensor, scale: np.ndarray) -> Tensor:
    """An input with new values where its scale is not 0. The others stay exactly as they are."""
    if not scale.ndim:
        return ops.reshape(part if scale == 1 else part * float(scale), ops.shape(tensor))
    places, flat = np.flatnonzero(scale), per_example.flatten(tensor)
    source = np.arange(scale.size)
    source[places] = scale.size + np.arange(len(places))
    part = part * ops.cast(scale.ravel()[places], part.dtype)
    return ops.reshape(ops.take(ops.concatenate([flat, part], axis=1), source, axis=1), ops.shape(tensor))


def _checked_scales(named: Mapping[str, Tensor], scales: Mapping[str, Any] | None) -> dict[str, np.ndarray]:
    """The scale of every input that moves: an array without axes, or one of the shape of an example."""
    floating = {name: not is_text(each) and keras.backend.is_float_dtype(each.dtype) for name, each in named.items()}
    if scales is None:
        return {name: np.asarray(1.0) for name in named if floating[name]}
    for name in scales:
        check_choice("input in perturb", name, named)
    moving = {name: np.asarray(scales[name], "float64") for name in named if np.any(scales.get(name, 0.0))}
    for name, scale in moving.items():
        shape = tuple(named[name].shape[1:])
        if not floating[name]:
            raise ValueError(
                f"Penalties and attacks cannot move the input {name!r}, which holds {named[name].dtype}. Leave it out "
                "of perturb=, or name the layer that embeds it: perturb='embedding'."
            )
        if not scale.ndim:
            continue
        try:
            moving[name] = np.broadcast_to(scale, shape)
        except (ValueError, TypeError):
            raise ValueError(
                f"The scale of the input {name!r} must be a number or fit one example of shape {shape}, received shape "
                f"{scale.shape}."
            ) from None
    return moving
