"""From a plan to the function that Keras's `fit` calls for every few steps."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras

from zoo.training.arguments import shape_of
from zoo.training.callbacks.warn_on_nan import WarnOnNaN
from zoo.training.circumstances import observe
from zoo.training.execution_plan import ExecutionPlan, plan_execution
from zoo.training.lazy_terms import TakingTurns, patterns

if keras.backend.backend() == "jax":
    from zoo.training import jax_step as backend_step
else:
    from zoo.training import tensorflow_step as backend_step

fitting = backend_step.fitting


def plan_fit(model: Any, options: Mapping[str, Any], batch: tuple[Any, Any] | None = None) -> ExecutionPlan:
    """Decides how the steps of a call of `fit` run, and drops functions that were made for another plan.

    Args:
        model: compiled `ObjectiveModel`.
        options: the arguments of `fit` by their names.
        batch: the first batch of a `PyDataset`; None if it is not known.

    Returns:
        The plan, which is kept as `model.execution_plan`.
    """
    shape = shape_of(options["x"], batch)
    if not model.built and shape is not None:
        model.build(shape)  # an unbuilt network may not have its layers yet
    alternates = len(patterns(model.intervals)) > 1
    # `fit` may run outside the scope of the strategy under which the model was made.
    strategy = getattr(model, "distribute_strategy", None)
    seen = observe([model.network, model.preprocessing], options, alternates=alternates, strategy=strategy)
    plan = plan_execution(seen, **model.compile_request)
    if plan != model.execution_plan:
        model.train_function = model.test_function = model.predict_function = None
    if shape is not None and shape != model.fitted_shape:
        # TensorFlow would trace a function for another size with no size at all, which movements need.
        model.train_function, model.fitted_shape = None, shape
    model.execution_plan, model.steps_per_execution = plan, plan.steps_per_execution
    return plan


def make_train_function(model: Any) -> Callable:
    """Makes the training function: one step for each set of terms that take part together.

    Args:
        model: compiled `ObjectiveModel`.

    Raises:
        ValueError: terms alternate, and several steps are to run at a time.
    """
    # There is no plan yet in `train_on_batch` before any `fit`.
    plan = model.execution_plan or plan_fit(model, {"x": None, "steps_per_epoch": 1})
    actives = patterns(model.intervals)
    if len(actives) > 1 and model.steps_per_execution > 1:
        raise ValueError(
            "Penalties with an interval need one step at a time, received steps_per_execution="
            f"{model.steps_per_execution} and intervals {model.intervals}."
        )
    functions = {active: backend_step.train_function(model, plan, active) for active in actives}
    if len(actives) == 1:
        return functions[actives[0]]
    return TakingTurns(functions, model.intervals, functools.partial(backend_step.iterations, model))


def watch_loss(callbacks: Any) -> Any:
    """The callbacks of `fit`, and one that warns if the loss becomes NaN.

    Args:
        callbacks: as `fit` received them.

    Example:
        >>> from zoo.training.train_function import watch_loss
        >>> [type(each).__name__ for each in watch_loss(None)]
        ['WarnOnNaN']
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks  # Keras takes such a list as it is
    return [*keras.tree.flatten(callbacks or []), WarnOnNaN()]
