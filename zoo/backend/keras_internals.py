"""Names of Keras that are not public, in one place: a release that renames one fails here, in one test.

Keras offers no public way to any of these.
"""

from collections.abc import Callable

import keras


def flatten_layers(layer: keras.Layer) -> list[keras.Layer]:
    """A layer or model and all layers inside it, at any depth."""
    return list(layer._flatten_layers())


def takes_training(layer: keras.Layer) -> bool:
    """Whether the `call` of a layer has an argument `training`."""
    return getattr(layer, "_call_has_training_arg", False)


def loss_tracker(model: keras.Model) -> keras.metrics.Metric:
    """The metric `loss` of a compiled model."""
    return model._loss_tracker


def as_step_function(model: keras.Model, step: Callable) -> Callable:
    """Keras's loop around a training step: reads batches, and runs `model.steps_per_execution` steps at a time."""
    return model._make_function(step)


def state_shardings(model: keras.Model) -> tuple:
    """How a model's variables lie on several devices, on JAX."""
    return model._get_state_sharding_spec()
