"""What the execution plan of `fit` depends on, seen when `fit` begins."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from zoo.backend import devices
from zoo.backend.keras_internals import count_in_one_pass, flatten_layers, is_random_state
from zoo.datasets import Batches, SemiSupervised

COMPILED_BY_JAX = (
    keras.layers.RandomPerspective,
    keras.layers.RandomRotation,
    keras.layers.RandomShear,
    keras.layers.RandomTranslation,
    keras.layers.RandomZoom,
)
BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")


class Circumstances(NamedTuple):
    """What a plan depends on.

    Attributes:
        backend: `"tensorflow"` or `"jax"`.
        accelerator: whether the backend computes on something other than the CPU.
        shared: whether several devices share a batch.
        deterministic: whether every operation has to give the same bits each time.
        compilable: whether XLA can compile all layers.
        built: whether all layers are built. Only then are `convolves` and `draws` known.
        convolves: whether a layer has convolution kernels.
        draws: whether a layer draws random numbers.
        double: whether a layer computes in double precision.
        steps_per_epoch: number of batches in an epoch if all of them are full; else, or if it is not known, None.
        batch_bytes: bytes of one batch of inputs.
        data_bytes: bytes of the training data; None if it is not in the zoo's own batches.
        memory_bytes: memory of the accelerator.
        counted: whether the caller gives a number of steps, per epoch or for validation.
        watched: whether a callback needs to see every step.
        alternates: whether steps differ from each other.

    Example:
        >>> from zoo.training.circumstances import Circumstances
        >>> Circumstances("jax", steps_per_epoch=50).accelerator
        False
    """

    backend: str
    accelerator: bool = False
    shared: bool = False
    deterministic: bool = False
    compilable: bool = True
    built: bool = True
    convolves: bool = False
    draws: bool = False
    double: bool = False
    steps_per_epoch: int | None = None
    batch_bytes: int = 0
    data_bytes: int | None = None
    memory_bytes: int = 0
    counted: bool = False
    watched: bool = False
    alternates: bool = False


def observe(
    layers: Iterable[keras.Layer | None], options: Mapping[str, Any], *, alternates: bool, strategy: Any = None
) -> Circumstances:
    """The circumstances of a call of `fit`.

    Args:
        layers: network and preprocessing, each built or not, or None.
        options: the arguments of `fit` by their names.
        alternates: whether steps differ from each other.
        strategy: TensorFlow's strategy under which the model was made, or None for the one of the current scope.

    Returns:
        What `plan_execution` needs to know.

    Example:
        >>> from zoo.training.circumstances import observe
        >>> observe([zoo.networks.mlp((4,), 3)], {"x": np.zeros((64, 4))}, alternates=False).steps_per_epoch
        2
    """
    layers = [layer for layer in layers if layer is not None]
    flat = [inner for layer in layers for inner in flatten_layers(layer)]
    variables = [variable for layer in layers for variable in layer.variables]
    x, on_jax = options.get("x"), keras.backend.backend() == "jax"
    own = isinstance(x, (Batches, SemiSupervised))
    steps_per_epoch, batch_bytes = whole_epoch(x, options)
    return Circumstances(
        backend=keras.backend.backend(),
        accelerator=devices.has_accelerator(),
        shared=devices.shares_batches(strategy),
        deterministic=devices.deterministic,
        compilable=all(layer.supports_jit for layer in flat),
        built=all(layer.built for layer in layers),
        convolves=any(variable.trainable and len(variable.shape) > 2 for variable in variables),
        draws=any(map(is_random_state, variables)),
        double=any(layer.compute_dtype == "float64" for layer in flat),
        steps_per_epoch=steps_per_epoch,
        batch_bytes=batch_bytes,
        data_bytes=x.num_bytes if own else None,
        memory_bytes=devices.memory_bytes() if on_jax and own else 0,
        counted=bool(options.get("steps_per_epoch") or options.get("validation_steps")),
        watched=_is_watched(options.get("callbacks")),
        alternates=alternates,
    )


def let_jax_compile(layers: Iterable[keras.Layer | None]) -> None:
    """Marks Keras's augmentation layers as compilable, on JAX.

    Keras marks them as not compilable on any backend, because TensorFlow's XLA lacks their image operations. JAX
    compiles them. With Keras's mark, JAX would run the whole step operation by operation. `Equalization`, also inside
    `RandAugment`, would compile for very long, so it counts in another way.

    Args:
        layers: network and preprocessing, or None.

    Example:
        >>> from zoo.training.circumstances import let_jax_compile
        >>> let_jax_compile([keras.layers.RandomRotation(0.1), None])
    """
    if keras.backend.backend() != "jax":
        return
    for layer in layers:
        for inner in flatten_layers(layer) if layer is not None else ():
            inner.supports_jit = inner.supports_jit or isinstance(inner, COMPILED_BY_JAX)
            if isinstance(inner, keras.layers.Equalization):
                count_in_one_pass(inner)


def whole_epoch(x: Any, options: Mapping[str, Any]) -> tuple[int | None, int]:
    """The number of batches in an epoch if all of them are full, else None; and the bytes of one batch of inputs.

    Args:
        x: inputs, as `fit` takes them.
        options: further arguments of `fit` by their names.

    Example:
        >>> from zoo.training.circumstances import whole_epoch
        >>> whole_epoch(np.zeros((64, 4)), {}), whole_epoch(np.zeros((65, 4)), {})
        ((2, 1024), (None, 0))
    """
    if options.get("steps_per_epoch") or options.get("validation_split"):
        return None, 0
    if isinstance(x, (Batches, SemiSupervised)):
        inputs, _ = x[0]
        return len(x), sum(array.nbytes for array in keras.tree.flatten(inputs))
    if not isinstance(x, np.ndarray) and not (hasattr(x, "shape") and hasattr(x, "nbytes")):
        return None, 0
    steps_per_epoch, rest = divmod(len(x), options.get("batch_size") or 32)
    return (steps_per_epoch, x.nbytes // steps_per_epoch) if steps_per_epoch and not rest else (None, 0)


def _is_watched(callbacks: Any) -> bool:
    """Whether a callback needs to see every step: it says so by `needs_every_step`, or else has a hook for batches."""
    return any(
        getattr(callback, "needs_every_step", _has_batch_hook(callback))
        for callback in keras.tree.flatten(callbacks or [])
    )


def _has_batch_hook(callback):
    # Read from the instance, because `LambdaCallback` sets its hooks there.
    return any(
        getattr(getattr(callback, hook), "__func__", None) is not getattr(keras.callbacks.Callback, hook)
        for hook in BATCH_HOOKS
    )
