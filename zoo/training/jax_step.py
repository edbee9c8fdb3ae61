"""The training step on JAX: a pure function from state and batch to logs and state."""

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import keras
import numpy as np

from zoo.backend.derivatives import explained_derivatives
from zoo.backend.keras_internals import as_step_function, loss_tracker, state_shardings
from zoo.datasets import Batches, SemiSupervised
from zoo.training.execution_plan import ExecutionPlan


def train_step(model: Any, active: tuple[bool, ...], state: tuple, data: Any) -> tuple[dict[str, Any], tuple]:
    """One step of gradient descent on `model.objective`.

    Args:
        model: compiled `ObjectiveModel`.
        active: for each term whether it takes part, see `model.objective`.
        state: values of the trainable variables, the others, the optimizer's and the metrics'.
        data: batch of `fit`.

    Returns:
        Logs and the new state.
    """
    trainable, others, optimizer, metrics = state
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)

    def scaled_loss(trainable):
        variables = [*model.trainable_variables, *model.non_trainable_variables, *model.metrics_variables]
        values = [*trainable, *others, *metrics]
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))) as scope:
            loss, y_pred = model.objective(x, y, sample_weight, active)
        with keras.StatelessScope(state_mapping=list(zip(model.optimizer.variables, optimizer, strict=True))):
            scaled = model.optimizer.scale_loss(loss)
        updated = [
            [scope.get_current_value(variable) for variable in group]
            for group in (model.non_trainable_variables, model.metrics_variables)
        ]
        return scaled, (loss, y_pred, *updated)

    with explained_derivatives():
        gradients, (loss, y_pred, others, metrics) = jax.grad(scaled_loss, has_aux=True)(trainable)
    trainable, optimizer = model.optimizer.stateless_apply(optimizer, gradients, trainable)
    with keras.StatelessScope(state_mapping=list(zip(model.metrics_variables, metrics, strict=True))) as scope:
        loss_tracker(model).update_state(loss, sample_weight=keras.tree.flatten(y_pred)[0].shape[0])
        logs = model.compute_metrics(x, y, y_pred, sample_weight)
    metrics = [scope.get_current_value(variable) for variable in model.metrics_variables]
    return logs, (trainable, others, optimizer, metrics)


def train_function(model: Any, plan: ExecutionPlan, active: tuple[bool, ...]) -> Callable:
    """The function that `fit` calls: `(state, iterator) -> (logs, state)`, for `model.steps_per_execution` steps.

    Args:
        model: compiled `ObjectiveModel`.
        plan: how the steps run.
        active: for each term whether it takes part, see `model.objective`.
    """
    step = functools.partial(train_step, model, active)
    if not plan.jit_compile or model.run_eagerly:
        return as_step_function(model, step)
    shardings = None if keras.distribution.distribution() is None else (None, state_shardings(model))
    one_by_one = as_step_function(model, jax.jit(step, donate_argnums=0, out_shardings=shardings))
    return _one_program(step, plan.steps_per_execution, one_by_one) if plan.one_program else one_by_one


def _one_program(step, num_steps, one_by_one):
    """Runs `num_steps` steps as one program. `one_by_one` runs fewer steps, such as the one of `train_on_batch`."""

    def scan(state, batches):
        def body(state, batch):
            logs, state = step(state, batch)
            return state, logs

        state, logs = jax.lax.scan(body, state, batches)
        return jax.tree.map(lambda values: values[-1], logs), state

    program = jax.jit(scan, donate_argnums=0)

    def function(state, iterator):
        batches = list(itertools.islice(iterator, num_steps))
        if len(batches) < num_steps:
            return one_by_one(state, iter(batches))
        return program(state, jax.tree.map(_stack, *batches))

    return function


@jax.jit
def _stack_on_device(leaves):
    return jax.numpy.stack(leaves)


def _stack(*leaves):
    """Stacks arrays of one shape: NumPy arrays in NumPy, JAX arrays on their device."""
    return np.stack(leaves) if isinstance(leaves[0], np.ndarray) else _stack_on_device(leaves)


def iterations(model: Any, state: tuple, iterator: Iterator) -> int:
    """The number of training steps before the one with these arguments.

    It is read from the state, because `fit` has emptied the variables.

    Args:
        model: compiled `ObjectiveModel`.
        state: as for `train_step`.
        iterator: not used.
    """
    index = [variable is model.iterations for variable in model.non_trainable_variables].index(True)
    return int(state[1][index])


@contextlib.contextmanager
def fitting(model: Any, plan: ExecutionPlan, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A context with the arguments for Keras's `fit`.

    Args:
        model: compiled `ObjectiveModel`. It is not used.
        plan: how the steps run.
        options: the arguments that the model's `fit` received.

    Yields:
        The arguments for Keras's `fit`.
    """
    if plan.data_on_device and isinstance(options["x"], (Batches, SemiSupervised)):
        options["x"].move_to_device()
    yield options
