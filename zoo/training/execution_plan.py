"""How `fit` runs its training steps: a plan, decided once when `fit` begins.

The choices were measured with `benchmarks.step_time`:

- XLA fuses what stands between the matrix products of dense networks. On CPUs its convolutions are slower than
  TensorFlow's, and so are its random numbers, by far. TensorFlow therefore runs networks with convolutions, dropout or
  noise without XLA on a CPU. On GPUs XLA is the rule, as in Keras.
- Several steps at a time save the dispatch, which can take longer than the step of a small network. XLA makes one
  program of them, whose number of steps is fixed: it has to divide the epoch. On CPUs XLA's gradient of a convolution
  is forty times slower inside a loop, so networks with convolutions do not use such programs.
- Training data that fits is kept on JAX's accelerator, so that no step waits for its batch.
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
MOST_BYTES = 2**28  # of the inputs of one program, which are stacked
MOST_MEMORY = 0.25  # share of the device's memory for training data
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
    """How training steps run. `print(model.execution_plan)` shows it after `fit` began.

    Attributes:
        jit_compile: whether XLA compiles the step.
        steps_per_execution: number of steps that run between two callbacks.
        one_program: whether XLA compiles these steps into one program.
        data_on_device: whether the training data is kept on the accelerator.
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
        built: whether all layers are built, so that the next two are known.
        convolves: whether a layer has convolution kernels.
        draws: whether a layer draws random numbers.
        num_steps: number of batches of an epoch whose batches are all whole; None if it is not known.
        batch_bytes: bytes of one batch of inputs.
        data_bytes: bytes of the training data; None if it is not in arrays of the zoo's own batches.
        memory_bytes: memory of the accelerator.
        counted: whether the caller gives a number of steps, per epoch or for validation.
        watched: whether a callback looks at every step.
        alternates: whether steps differ from each other.
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
        seen: what is known when `fit` begins.
        jit_compile, steps_per_execution: as `compile` received them. A value other than `"auto"` is kept.
    """
    jit = _choose_jit_compile(seen) if jit_compile == "auto" else bool(jit_compile)
    steps = _choose_steps(seen) if steps_per_execution == "auto" else steps_per_execution
    return ExecutionPlan(
        jit_compile=jit,
        steps_per_execution=steps,
        one_program=steps > 1 and jit and _fit_one_program(seen, steps),
        data_on_device=_fits_on_device(seen),
    )


def _choose_jit_compile(seen):
    if not seen.compilable:
        return False
    if seen.backend == "jax":
        return True
    if seen.deterministic or seen.shared:
        return False  # as in Keras: TensorFlow cannot compile the step in either case
    return seen.accelerator or (seen.built and not (seen.convolves or seen.draws))


def _choose_steps(seen):
    # Of data without an end, Keras would run more steps than given.
    single = seen.counted or seen.watched or seen.alternates
    if seen.backend == "jax":  # several steps gain nothing there unless they are one program
        single = single or not _fit_one_program(seen, STEPS_AT_A_TIME)
    else:
        single = single or seen.shared
    return 1 if single else STEPS_AT_A_TIME


def _fit_one_program(seen, steps):
    if seen.num_steps is None or seen.num_steps % steps or steps * seen.batch_bytes > MOST_BYTES or seen.shared:
        return False
    return seen.accelerator or (seen.built and not seen.convolves)


def _fits_on_device(seen):
    # On a CPU the data is in its memory anyway. Several devices each take their own part of a batch.
    if seen.backend != "jax" or seen.shared or seen.data_bytes is None:
        return False
    return seen.data_bytes <= MOST_MEMORY * seen.memory_bytes


def observe(layers: Iterable[keras.Layer | None], options: Mapping[str, Any], *, alternates: bool) -> Circumstances:
    """The circumstances of a call of `fit`.

    Args:
        layers: network and preprocessing, built or not, or None.
        options: the arguments of `fit`.
        alternates: whether steps differ from each other.
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
    """Marks Keras's augmentation layers as compilable on JAX.

    Keras says of them that no backend compiles them, because TensorFlow's XLA lacks their image operations. JAX
    compiles them. Without the mark it would run a whole step operation by operation because of them.
    """
    if keras.backend.backend() != "jax":
        return
    for layer in layers:
        for inner in flatten_layers(layer) if layer is not None else ():
            inner.supports_jit = inner.supports_jit or isinstance(inner, COMPILED_BY_JAX)


def whole_epoch(x: Any, options: Mapping[str, Any]) -> tuple[int | None, int]:
    """Number of batches of an epoch whose batches are all whole, or None, and bytes of one batch of inputs.

    Args:
        x: as `fit` takes it.
        options: further arguments of `fit`.
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


def _is_watched(callbacks):
    """Whether a callback has to see every step. One that is content with some has `needs_every_step = False`."""
    return any(
        # Looked up on the instance, because `LambdaCallback` sets its hooks there.
        getattr(getattr(callback, hook), "__func__", None) is not getattr(keras.callbacks.Callback, hook)
        for callback in keras.tree.flatten(callbacks or [])
        for hook in BATCH_HOOKS
        if getattr(callback, "needs_every_step", True)
    )
