"""Inputs as attacks take them: the tensor that an attack moves, with its range, and what stays."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.analysis.batches import map_batches
from zoo.analysis.classifier import as_classifier
from zoo.analysis.perturbed_network import PerturbedNetwork
from zoo.datasets.arrays import as_inputs, take_rows
from zoo.regularizers.math.input_range import check_input_range, clip_to_range
from zoo.training.inputs import named_inputs
from zoo.training.perturbed_layers import layer_names
from zoo.validation import check_choice

Tensor = Any  # a tensor of the backend, or a NumPy array
BYTES = (0.0, 255.0)


def network_at(network: Any, tensor: Tensor, rest: Any) -> PerturbedNetwork:
    """The network at a batch of inputs, inside a compiled program.

    Args:
        network: as attacks receive it.
        tensor: what moves, `(n, ...)`.
        rest: as in `AttackedInputs`.

    Example:
        >>> from zoo.analysis.attacks.inputs import network_at
        >>> network_at(lambda x: x, np.ones((1, 2)), ()).tensor.shape.as_list()
        [1, 2]
    """
    return as_classifier(network).at(tensor if isinstance(rest, tuple) and not rest else rest)


def bounds_of(at: PerturbedNetwork, input_range: Any) -> tuple[Any, Any] | None:
    """The bounds of the tensor that moves.

    Args:
        at: the network at a batch of inputs.
        input_range: as in `AttackedInputs`.

    Example:
        >>> from zoo.analysis.attacks.inputs import bounds_of, network_at
        >>> bounds_of(network_at(lambda x: x, np.ones((1, 2)), ()), (0.0, 1.0))
        (0.0, 1.0)
    """
    if input_range is not None and isinstance(input_range[0], tuple):
        input_range = dict(input_range)
    return at.bounds(input_range)


class AttackedInputs:
    """What an attack moves, and what stays.

    Args:
        network: `Classifier`, Keras network or any function; None moves all floating-point inputs.
        inputs: as the network takes them: `(n, ...)`, or several in a dictionary, list or tuple. One array of integers
            is cast to floating point, because integers cannot be moved by less than 1.
        input_range: `(low, high)` of all inputs that move, or `{name: (low, high)}` of some, or None. Inputs in uint8
            without a range have 0 to 255, others no bounds.
        batch_size: number of inputs at a time in which layers that move run, or None for all.

    Raises:
        ValueError: nothing moves, or the range is not an increasing pair, or of an input that does not move.

    Attributes:
        clean: the tensor that moves, `(n, ...)`.
        rest: all inputs, if the tensor is not the one input itself; else `()`.
        moved: 1 where the tensor moves and 0 elsewhere, such as at padding; None if it moves everywhere.
        input_range: `(low, high)` or pairs `(name, (low, high))`, hashable; or None.

    Example:
        >>> from zoo.analysis.attacks.inputs import AttackedInputs
        >>> inputs = AttackedInputs(None, {"image": np.zeros((1, 2)), "age": np.zeros((1, 1)), "city": np.array([[3]])})
        >>> inputs.restored(inputs.clean + 1.0)["city"]
        array([[3]])
    """

    def __init__(self, network: Any, inputs: Any, input_range: Any = None, batch_size: int | None = None):
        self.classifier = as_classifier(network)
        inputs, in_batches = as_inputs(inputs), batch_size is not None and layer_names(self.classifier.perturb)
        self.at = self.classifier.at(take_rows(inputs, slice(0, 1)) if in_batches else inputs)
        self.inputs, self.clean, self.moved = inputs, self.at.tensor, self.at.moved
        self.rest: Any = () if self.at.is_whole else inputs
        if in_batches:
            found = map_batches(self._tensors, inputs, batch_size=batch_size or 1)
            self.clean, self.moved = found["clean"], found.get("moved")
        self.input_range = self._hashable(input_range)
        self.bounds = bounds_of(self.at, self.input_range)

    def _tensors(self, inputs):
        at = self.classifier.at(inputs)
        return {"clean": at.tensor} if at.moved is None else {"clean": at.tensor, "moved": at.moved}

    def _hashable(self, input_range):
        if self.at.moves_layers:
            return input_range  # which `bounds` refuses, if there is one
        leaves = named_inputs(self.at.naming, self.at.single)
        scales = getattr(self.at.perturbed, "scales", leaves)  # of one whole input its name
        moving = [name for name in leaves if name in scales]
        by_name = input_range if isinstance(input_range, Mapping) else dict.fromkeys(moving, input_range)
        for name in by_name:
            check_choice("moving input in input_range", name, moving)
        ranges = {name: check_input_range(by_name.get(name)) for name in moving}
        for name in moving:
            if ranges[name] is None and keras.backend.standardize_dtype(leaves[name].dtype) == "uint8":
                ranges[name] = BYTES
        pairs = tuple((name, each) for name, each in ranges.items() if each is not None)
        if self.at.is_whole:
            return pairs[0][1] if pairs else None
        return pairs or None

    def check_gradient(self) -> None:
        """Refuses what attacks by gradients cannot move, see `PerturbedNetwork.check_reached`."""
        self.at.check_reached("attacks by gradients")

    def labels(self, labels: Any) -> np.ndarray:
        """Labels as `as_labels` returns them, of integers in int32."""
        labels = self.classifier.labels(self.inputs, labels)
        return labels.astype("int32") if labels.dtype.kind in "iub" else labels

    def masked(self, noise: Tensor) -> Tensor:
        """Noise, 0 where the tensor does not move."""
        return noise if self.moved is None else noise * ops.cast(self.moved, noise.dtype)

    def clip(self, tensor: Tensor) -> Tensor:
        """The tensor, clipped to its range."""
        return clip_to_range(tensor, self.bounds)

    def restored(self, tensor: Tensor) -> Any:
        """The inputs with a tensor in place, in the structure in which they came; or the tensor, if layers move."""
        return self.at.restored(tensor)
