"""Private names of Keras, in one place. If a release of Keras renames one of them, one test fails.

Keras has no public name for any of these.
"""

from collections.abc import Callable
from typing import Any

import keras


def flatten_layers(layer: keras.Layer) -> list[keras.Layer]:
    """A layer or model and all layers inside it, at any depth.

    Args:
        layer: any Keras layer.

    Example:
        >>> from zoo.backend.keras_internals import flatten_layers
        >>> [type(each).__name__ for each in flatten_layers(keras.Sequential([keras.layers.Dense(3)]))]
        ['Sequential', 'Dense']
    """
    return list(layer._flatten_layers())


def takes_training(layer: Any) -> bool:
    """Whether the `call` of a layer has an argument `training`.

    Args:
        layer: a Keras layer, or any function (False).

    Example:
        >>> from zoo.backend.keras_internals import takes_training
        >>> takes_training(keras.layers.Dropout(0.5)), takes_training(keras.layers.Flatten())
        (True, False)
    """
    return getattr(layer, "_call_has_training_arg", False)


def is_random_state(variable: keras.Variable) -> bool:
    """Whether a variable is the state of a `keras.random.SeedGenerator`.

    Args:
        variable: a variable of a layer.

    Example:
        >>> from zoo.backend.keras_internals import is_random_state
        >>> [is_random_state(variable) for variable in keras.layers.Dropout(0.5, seed=1).variables]
        [True]
    """
    return "seed_generator" in variable.path


def loss_tracker(model: keras.Model) -> keras.metrics.Metric:
    """The metric `loss` of a compiled model.

    Args:
        model: compiled model.

    Example:
        >>> from zoo.backend.keras_internals import loss_tracker
        >>> model = zoo.networks.mlp((4,), 3)
        >>> model.compile("sgd", "mse")
        >>> loss_tracker(model).name
        'loss'
    """
    return model._loss_tracker


def as_step_function(model: keras.Model, step: Callable) -> Callable:
    """Keras's loop around a training step. It reads batches and runs `model.steps_per_execution` steps at a time.

    Args:
        model: compiled model.
        step: `data -> logs` on TensorFlow, `(state, data) -> (logs, state)` on JAX.

    Returns:
        `iterator -> logs` on TensorFlow, `(state, iterator) -> (logs, state)` on JAX.
    """
    return model._make_function(step)


def state_shardings(model: keras.Model) -> tuple:
    """The distribution of a model's variables over several devices, on JAX.

    Args:
        model: compiled and built model, inside the scope of a `keras.distribution`.

    Returns:
        The shardings of the trainable variables, the others, the optimizer's and the metrics'.
    """
    return model._get_state_sharding_spec()
