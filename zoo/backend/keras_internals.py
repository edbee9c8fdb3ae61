"""Private names of Keras. If a release of Keras renames one of them, one test fails.

Keras has no public name for any of these.
"""

import contextlib
from collections.abc import Callable
from typing import Any

import keras
from keras import ops
from keras.src.backend.common.masking import get_keras_mask, set_keras_mask
from keras.src.saving import serialization_lib


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


def last_layer(network: Any) -> Any:
    """The layer or operation that computes the output of a network, or None if the network does not say.

    Args:
        network: a Keras layer or model, or any function (None).

    Example:
        >>> from zoo.backend.keras_internals import last_layer
        >>> last_layer(zoo.networks.mlp((4,), 3)).units
        3
    """
    if isinstance(network, keras.Sequential):
        return last_layer(network.layers[-1]) if network.layers else None
    if isinstance(network, keras.Model):
        try:
            (output,) = network.outputs
            return operation_of(output)
        except (AttributeError, TypeError, ValueError):  # a subclass, or a model of several outputs
            return None
    return network if isinstance(network, keras.Layer) else None


def operation_of(symbol: keras.KerasTensor) -> Any:
    """The layer or operation that computes an output of a functional network.

    Args:
        symbol: symbolic output.

    Example:
        >>> from zoo.backend.keras_internals import operation_of
        >>> operation_of(zoo.networks.mlp((4,), 3).output).units
        3
    """
    operation = symbol._keras_history.operation
    return last_layer(operation) if isinstance(operation, keras.Model) else operation


def inputs_structure(network: Any) -> Any:
    """The tensor, dictionary or list of tensors that a functional network declares as its inputs; None if it does not.

    Args:
        network: any Keras network.

    Example:
        >>> from zoo.backend.keras_internals import inputs_structure
        >>> inputs = keras.Input((4,), name="image")
        >>> list(inputs_structure(keras.Model({"image": inputs}, inputs)))
        ['image']
    """
    return getattr(network, "_inputs_struct", None)


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


def count_in_one_pass(layer: keras.layers.Equalization) -> None:
    """Makes `Equalization` count the values of an image in one operation, on JAX. The counts are the same.

    Keras compares all values with each of the 256 bins, in a loop that XLA takes long to compile: 14 s for a layer,
    which `RandAugment` holds and runs twice.

    Args:
        layer: the layer, which is changed.

    Example:
        >>> from zoo.backend.keras_internals import count_in_one_pass
        >>> count_in_one_pass(keras.layers.Equalization())
    """
    by_keras = type(layer)._custom_histogram_fixed_width

    def count(values, value_range, nbins):
        if layer.backend.name != "jax":  # in a tf.data set
            return by_keras(layer, values, value_range, nbins)
        low, high = value_range
        scaled = (ops.cast(values, "float32") - low) * (nbins - 1) / (high - low)
        indices = ops.reshape(ops.clip(ops.cast(scaled, "int32"), 0, nbins - 1), (-1,))
        return ops.segment_sum(ops.ones_like(indices), indices, num_segments=nbins)

    layer._custom_histogram_fixed_width = count


def masks_of(outputs: Any) -> list[Any]:
    """The masks that layers attached to outputs, and that Keras's losses read; None for an output without a mask.

    Args:
        outputs: tensor, or a nest of tensors.

    Example:
        >>> from zoo.backend.keras_internals import masks_of
        >>> [mask.shape.as_list() for mask in masks_of(keras.layers.Masking()(keras.ops.ones((3, 2, 4))))]
        [[3, 2]]
    """
    return [get_keras_mask(each) for each in keras.tree.flatten(outputs)]


def attach_masks(outputs: Any, masks: list[Any]) -> Any:
    """Outputs with masks of at least as many rows.

    Args:
        outputs: tensor, or a nest of tensors. They receive the masks.
        masks: result of `masks_of`.

    Example:
        >>> from zoo.backend.keras_internals import attach_masks, masks_of
        >>> masks_of(attach_masks(keras.ops.ones((2, 3)), [None]))
        [None]
    """
    for each, mask in zip(keras.tree.flatten(outputs), masks, strict=True):
        if mask is not None:
            set_keras_mask(each, mask[: ops.shape(each)[0]])
    return outputs


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


def build_metrics(model: keras.Model, labels: Any, outputs: Any) -> None:
    """Makes the variables of a model's metrics. Keras makes them in the first step.

    Args:
        model: compiled model.
        labels: symbolic labels.
        outputs: symbolic outputs.
    """
    metrics = model._compile_metrics
    if metrics is not None and not metrics.built:
        metrics.build(labels, outputs)


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


def safe_mode() -> contextlib.AbstractContextManager[None]:
    """A context in which Keras refuses code, also if the process has called `enable_unsafe_deserialization`.

    Example:
        >>> from zoo.backend.keras_internals import safe_mode
        >>> code = keras.saving.serialize_keras_object(keras.layers.Lambda(lambda x: x))
        >>> with safe_mode():
        ...     keras.saving.deserialize_keras_object(code)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: ...
    """
    return serialization_lib.SafeModeScope(True)


def loss_arguments(loss: Any) -> dict[str, Any]:
    """The arguments that a loss object of Keras passes on to its function; empty for other losses.

    Args:
        loss: a Keras loss object or function.

    Example:
        >>> from zoo.backend.keras_internals import loss_arguments
        >>> loss_arguments(keras.losses.SparseCategoricalCrossentropy(axis=1))["axis"]
        1
    """
    return dict(getattr(loss, "_fn_kwargs", {}))
