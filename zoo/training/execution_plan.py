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

from zoo.training.circumstances import Circumstances

STEPS_AT_A_TIME = 10
MOST_BYTES = 2**28  # limit for the inputs of one program, which are stacked
MOST_MEMORY = 0.25  # limit for the share of the device's memory that training data takes


@dataclasses.dataclass(frozen=True)
class ExecutionPlan:
    """How training steps run. After `fit` begins, `print(model.execution_plan)` shows it.

    Attributes:
        jit_compile: whether XLA compiles the step.
        steps_per_execution: number of steps that run between two callbacks.
        one_program: whether XLA compiles these steps into one program.
        data_on_device: whether the training data stays on the accelerator.

    Example:
        >>> zoo.training.ExecutionPlan(jit_compile=True)
        ExecutionPlan(jit_compile=True, steps_per_execution=1, one_program=False, data_on_device=False)
    """

    jit_compile: bool = False
    steps_per_execution: int = 1
    one_program: bool = False
    data_on_device: bool = False


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
        >>> from zoo.training.circumstances import Circumstances
        >>> from zoo.training.execution_plan import plan_execution
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
    if seen.double:
        return False  # XLA takes minutes and more for random numbers in float64 that a sum follows
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
    if (
        seen.steps_per_epoch is None
        or seen.steps_per_epoch % steps
        or steps * seen.batch_bytes > MOST_BYTES
        or seen.shared
    ):
        return False
    return seen.accelerator or (seen.built and not seen.convolves)


def _fits_on_device(seen: Circumstances) -> bool:
    # A CPU has the data in its memory already. Several devices each take their own part of a batch.
    if seen.backend != "jax" or seen.shared or seen.data_bytes is None:
        return False
    return seen.data_bytes <= MOST_MEMORY * seen.memory_bytes
