"""What layers return, changed on its way through a network. A thread changes what it sees itself, and nothing else."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import keras

from zoo.backend.keras_internals import attach_masks, masks_of

Tensor = Any  # a tensor of the backend
Change = Callable[[Tensor, Tensor | None], Tensor]
SWITCHING = threading.Lock()  # one thread must not put the original back while another joins the replacement


class InterceptedCall:
    """The call of a layer with changes of what it returns.

    TensorFlow traces the step of each of several devices in a thread of its own, and changes from one thread to the
    other within a pass. A thread therefore sees its own changes only.

    Args:
        layer: a built Keras layer.
        function: its call.

    Attributes:
        changes: of each thread.

    Example:
        >>> from zoo.backend.interception import InterceptedCall
        >>> call = InterceptedCall(keras.layers.Identity(), lambda x: x)
        >>> call.own_changes().append(lambda outputs, mask: outputs + 1)
        >>> float(call(keras.ops.ones(())))
        2.0
    """

    def __init__(self, layer: keras.Layer, function: Callable[..., Any]):
        self.layer, self.function = layer, function
        self.changes: dict[int, list[Change]] = {}

    def own_changes(self) -> list[Change]:
        """The changes of this thread, in their order."""
        return self.changes.setdefault(threading.get_ident(), [])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the layer, and changes what it returns."""
        outputs = self.function(*args, **kwargs)
        for change in self.own_changes():
            outputs = self._changed(change, outputs, args, kwargs)
        return outputs

    def _changed(self, change, outputs, args, kwargs):
        if keras.tree.is_nested(outputs):
            return change(outputs, None)
        mask = self._mask_of(outputs, args, kwargs)
        return attach_masks(change(outputs, mask), [mask])

    def _mask_of(self, outputs, args, kwargs):
        """The mask that the outputs carry, or else the one that Keras attaches after the call."""
        (mask,) = masks_of(outputs)
        arguments = [*args, *kwargs.values()]
        if mask is not None or not arguments or not self.layer.supports_masking:
            return mask
        given = kwargs.get("mask")
        if given is None:
            given = keras.tree.map_structure(lambda each: masks_of(each)[0], arguments[0])
        masks = self.layer.compute_mask(arguments[0], given)
        return keras.tree.flatten(masks)[0]  # by default those of all inputs, of which Keras takes the first


@contextlib.contextmanager
def intercepted(layer: keras.Layer, change: Change) -> Iterator[None]:
    """A context in which a function changes what a layer returns, for this thread.

    Args:
        layer: a built Keras layer.
        change: `(outputs, mask) -> outputs`. The mask is the one that Keras attaches to the outputs, `True` at the
            positions that count, or None. The changed outputs keep it.

    Example:
        >>> from zoo.backend.interception import intercepted
        >>> layer = keras.layers.Identity()
        >>> with intercepted(layer, lambda outputs, mask: outputs + 1):
        ...     float(layer(keras.ops.ones(())))
        2.0
    """
    name = "quantized_call" if getattr(layer, "quantization_mode", None) else "call"
    with SWITCHING:
        call = vars(layer).get(name)
        if not isinstance(call, InterceptedCall):
            call = vars(layer)[name] = InterceptedCall(layer, getattr(layer, name))  # not setattr, which would track it
        call.own_changes().append(change)
    try:
        yield
    finally:
        with SWITCHING:
            call.own_changes().remove(change)
            if not any(call.changes.values()):
                vars(layer).pop(name, None)


class InterceptedActivation:
    """The activation of a layer, which some threads leave out.

    Args:
        activation: of the layer.

    Attributes:
        calls: of each thread that leaves it out, with an entry for each call.

    Example:
        >>> from zoo.backend.interception import InterceptedActivation
        >>> InterceptedActivation(abs)(-1.0)
        1.0
    """

    def __init__(self, activation: Callable[[Tensor], Tensor]):
        self.activation = activation
        self.calls: dict[int, list[None]] = {}

    def __call__(self, x: Tensor) -> Tensor:
        """Applies the activation, or notes the call and leaves it out."""
        calls = self.calls.get(threading.get_ident())
        if calls is None:
            return self.activation(x)
        calls.append(None)
        return x


def activation_of(layer: Any) -> Any:
    """The activation that a layer holds, also while some thread leaves it out; None if it holds none.

    A recurrent layer holds none: its activation belongs to its cell, which may go on to compute with it.

    Args:
        layer: Keras layer or operation, or None.

    Example:
        >>> from zoo.backend.interception import activation_of
        >>> activation_of(keras.layers.Dense(3, "relu")) is keras.activations.relu
        True
    """
    activation = getattr(layer, "__dict__", {}).get("activation")
    return activation.activation if isinstance(activation, InterceptedActivation) else activation


@contextlib.contextmanager
def without_activation(layer: keras.Layer) -> Iterator[list[None]]:
    """A context in which a layer leaves its activation out, for this thread.

    Args:
        layer: Keras layer that holds an activation.

    Yields:
        A list with an entry for each call of the activation.

    Example:
        >>> from zoo.backend.interception import without_activation
        >>> layer = keras.layers.Activation("relu")
        >>> with without_activation(layer) as calls:
        ...     float(layer(keras.ops.convert_to_tensor(-2.0))), len(calls)
        (-2.0, 1)
    """
    here = threading.get_ident()
    with SWITCHING:
        if not isinstance(layer.activation, InterceptedActivation):
            layer.activation = InterceptedActivation(layer.activation)
        intercepted = layer.activation
        intercepted.calls[here] = []
    try:
        yield intercepted.calls[here]
    finally:
        with SWITCHING:
            del intercepted.calls[here]
            if not intercepted.calls:
                layer.activation = intercepted.activation
