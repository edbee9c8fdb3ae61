"""How `fit` runs its training steps: a plan, decided once when `fit` begins.

The choices were measured with `benchmarks.step_time`:

- XLA fuses the operations between the matrix products of dense networks. On CPUs its convolutions and its random
  numbers are much slower than TensorFlow's. TensorFlow therefore runs networks with convolutions, dropout or noise
  without XLA on a CPU. On GPUs XLA is the default, as in Keras.
- Several steps at a time save the dispatch, which can take longer than the step of a small network. XLA compiles them
  into one program with a fixed number of steps, which must divide the epoch. On CPUs XLA's gradient of a convolution is
  forty times slower inside a loop, so networks with convolutions do not use such programs.
- On JAX, training data that fits stays on the accelerator, so that no step waits for its batch.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from zoo.backend import devices
from zoo.backend.keras_internals import flatten_layers
from zoo.datasets import Batches, SemiSupervised

STEPS_AT_A_TIME = 10
MOST_BYTES = 2**28  # limit for the inputs of one program, which are stacked
MOST_MEMORY = 0.25  # limit for the share of the device's memory that training data takes
COMPILED_BY_JAX = (
    keras.layers.RandomPerspective,
    keras.layers.RandomRotation,
    keras.layers.RandomShear,
    keras.layers.RandomTranslation,
    keras.layers.RandomZoom,
)
BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")


@dataclasses.dataclass(frozen=True)
class ExecutionPlan:
    """How training steps run. After `fit` begins, `print(model.execution_plan)` shows it.

    Attributes:
        jit_compile: whether XLA compiles the step.
        steps_per_execution: number of steps that run between two callbacks.
        one_program: whether XLA compiles these steps into one program.
        data_on_device: whether the training data stays on the accelerator.

    Example:
        >>> from zoo.training.execution_plan import ExecutionPlan
        >>> ExecutionPlan(jit_compile=True)
        ExecutionPlan(jit_compile=True, steps_per_execution=1, one_program=False, data_on_device=False)
    """

    jit_compile: bool = False
    steps_per_execution: int = 1
    one_program: bool = False
    data_on_device: bool = False


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
        num_steps: number of batches in an epoch if all of them are full; else, or if it is not known, None.
        batch_bytes: bytes of one batch of inputs.
        data_bytes: bytes of the training data; None if it is not in the zoo's own batches.
        memory_bytes: memory of the accelerator.
        counted: whether the caller gives a number of steps, per epoch or for validation.
        watched: whether a callback needs to see every step.
        alternates: whether steps differ from each other.

    Example:
        >>> from zoo.training.execution_plan import Circumstances
        >>> Circumstances("jax", num_steps=50).accelerator
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
    num_steps: int | None = None
    batch_bytes: int = 0
    data_bytes: int | None = None
    memory_bytes: int = 0
    counted: bool = False
    watched: bool = False
    alternates: bool = False


def plan_execution(
    seen: Circumstances, jit_compile: bool | str = "auto", steps_per_execution: int | str = "auto"
) -> ExecutionPlan:
    """Decides how training steps run. A pure function: the same circumstances give the same plan.

    Args:
        seen: the circumstances when `fit` begins.
        jit_compile: as `compile` received it. A value other than `"auto"` is kept.
        steps_per_execution: as `compile` received it. A value other than `"auto"` is kept.

    Returns:
        The plan.

    Example:
        >>> from zoo.training.execution_plan import Circumstances, plan_execution
        >>> plan_execution(Circumstances("tensorflow", convolves=True)).jit_compile
        False
    """
    jit = _choose_jit_compile(seen) if jit_compile == "auto" else bool(jit_compile)
    steps = _choose_steps(seen) if steps_per_execution == "auto" else int(steps_per_execution)
    return ExecutionPlan(
        jit_compile=jit,
        steps_per_execution=steps,
        one_program=steps > 1 and jit and _fit_one_program(seen, steps),
        data_on_device=_fits_on_device(seen),
    )


def _choose_jit_compile(seen: Circumstances) -> bool:
    if not seen.compilable:
        return False
    if seen.backend == "jax":
        return True
    if seen.deterministic or seen.shared:
        return False  # as in Keras: TensorFlow cannot compile the step in these cases
    return seen.accelerator or (seen.built and not (seen.convolves or seen.draws))


def _choose_steps(seen: Circumstances) -> int:
    # If the data has no end, Keras would run more steps than the caller asks for.
    single = seen.counted or seen.watched or seen.alternates
    if seen.backend == "jax":  # several steps gain nothing there unless they are one program
        single = single or not _fit_one_program(seen, STEPS_AT_A_TIME)
    else:
        single = single or seen.shared
    return 1 if single else STEPS_AT_A_TIME


def _fit_one_program(seen: Circumstances, steps: int) -> bool:
    if seen.num_steps is None or seen.num_steps % steps or steps * seen.batch_bytes > MOST_BYTES or seen.shared:
        return False
    return seen.accelerator or (seen.built and not seen.convolves)


def _fits_on_device(seen: Circumstances) -> bool:
    # A CPU has the data in its memory already. Several devices each take their own part of a batch.
    if seen.backend != "jax" or seen.shared or seen.data_bytes is None:
        return False
    return seen.data_bytes <= MOST_MEMORY * seen.memory_bytes


def observe(layers: Iterable[keras.Layer | None], options: Mapping[str, Any], *, alternates: bool) -> Circumstances:
    """The circumstances of a call of `fit`.

    Args:
        layers: network and preprocessing, each built or not, or None.
        options: the arguments of `fit` by their names.
        alternates: whether steps differ from each other.

    Returns:
        What `plan_execution` needs to know.

    Example:
        >>> from zoo.training.execution_plan import observe
        >>> observe([zoo.networks.mlp((4,), 3)], {"x": np.zeros((64, 4))}, alternates=False).num_steps
        2
    """
    layers = [layer for layer in layers if layer is not None]
    flat = [inner for layer in layers for inner in flatten_layers(layer)]
    variables = [variable for layer in layers for variable in layer.variables]
    x, on_jax = options.get("x"), keras.backend.backend() == "jax"
    own = isinstance(x, (Batches, SemiSupervised))
    num_steps, batch_bytes = whole_epoch(x, options)
    return Circumstances(
        backend=keras.backend.backend(),
        accelerator=devices.has_accelerator(),
        shared=devices.shares_batches(),
        deterministic=devices.deterministic,
        compilable=all(layer.supports_jit for layer in flat),
        built=all(layer.built for layer in layers),
        convolves=any(variable.trainable and len(variable.shape) > 2 for variable in variables),
        draws=any("seed_generator" in variable.path for variable in variables),
        num_steps=num_steps,
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
    compiles them. With Keras's mark, JAX would run the whole step operation by operation.

    Args:
        layers: network and preprocessing, or None.

    Example:
        >>> from zoo.training.execution_plan import let_jax_compile
        >>> let_jax_compile([keras.layers.RandomRotation(0.1), None])
    """
    if keras.backend.backend() != "jax":
        return
    for layer in layers:
        for inner in flatten_layers(layer) if layer is not None else ():
            inner.supports_jit = inner.supports_jit or isinstance(inner, COMPILED_BY_JAX)


def whole_epoch(x: Any, options: Mapping[str, Any]) -> tuple[int | None, int]:
    """The number of batches in an epoch if all of them are full, else None; and the bytes of one batch of inputs.

    Args:
        x: inputs, as `fit` takes them.
        options: further arguments of `fit` by their names.

    Example:
        >>> from zoo.training.execution_plan import whole_epoch
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
    num_steps, rest = divmod(len(x), options.get("batch_size") or 32)
    return (num_steps, x.nbytes // num_steps) if num_steps and not rest else (None, 0)


def _is_watched(callbacks: Any) -> bool:
    """Whether a callback needs to see every step. A callback that does not says so by `needs_every_step = False`."""
    return any(
        # Read from the instance, because `LambdaCallback` sets its hooks there.
        getattr(getattr(callback, hook), "__func__", None) is not getattr(keras.callbacks.Callback, hook)
        for callback in keras.tree.flatten(callbacks or [])
        for hook in BATCH_HOOKS
        if getattr(callback, "needs_every_step", True)
    )
