"""The training step on TensorFlow."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.backend.derivatives import explained_derivatives
from zoo.backend.keras_internals import as_step_function, flatten_layers, is_random_state, loss_tracker
from zoo.backend.moments import exact_moments
from zoo.backend.replicas import num_replicas
from zoo.datasets import Batches, SemiSupervised
from zoo.training.execution_plan import ExecutionPlan
from zoo.training.statistics import synchronized_statistics
from zoo.training.wrapper import Wrapper

KEEPS_BATCHES = ("Cache", "Map", "Options", "ParallelMap", "Prefetch", "Repeat", "Shuffle")  # of tf.data


def train_step(model: Any, active: tuple[bool, ...], data: Any) -> dict[str, Any]:
    """One step of gradient descent on `model.objective`.

    Args:
        model: compiled `ObjectiveModel`.
        active: for each term whether it takes part, see `model.objective`.
        data: batch of `fit`.

    Returns:
        Logs.
    """
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    if not model.built:
        model.build(keras.tree.map_structure(lambda inputs: tuple(inputs.shape), x))
    with explained_derivatives():
        with tf.GradientTape() as tape:
            loss, y_pred = model.objective(x, y, sample_weight, active)
            scaled_loss = model.optimizer.scale_loss(loss / num_replicas())  # the gradients are added up
        gradients = tape.gradient(scaled_loss, model.trainable_variables)
    model.optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    loss_tracker(model).update_state(loss, sample_weight=tf.shape(tf.nest.flatten(y_pred)[0])[0])
    return model.compute_metrics(x, y, y_pred, sample_weight)


def train_function(model: Any, plan: ExecutionPlan, active: tuple[bool, ...]) -> Callable:
    """The function that `fit` calls: `iterator -> logs`, for `model.steps_per_execution` steps.

    Args:
        model: compiled `ObjectiveModel`.
        plan: how the steps run.
        active: for each term whether it takes part, see `model.objective`.
    """
    step = functools.partial(train_step, model, active)
    if model.built and not model.optimizer.built and model.distribute_strategy.num_replicas_in_sync == 1:
        model.optimizer.build(model.trainable_variables)  # TensorFlow traces a step twice that makes variables
    if model.run_eagerly or not plan.jit_compile:
        return as_step_function(model, step)
    # Compiled here and not by Keras's own option: that would also compile predictions, whose batches vary in size.
    one_by_one = as_step_function(model, tf.function(step, jit_compile=True, autograph=False, reduce_retracing=True))
    # A model that overrides compute_metrics shows its logs only within the step.
    keeps_metrics = type(model).compute_metrics is Wrapper.compute_metrics
    return _one_program(model, step, plan, one_by_one) if plan.one_program and keeps_metrics else one_by_one


def _one_program(model, step, plan, one_by_one):
    """Runs several steps as one program. `one_by_one` takes the generator of `train_on_batch`."""
    num_steps = plan.steps_per_execution

    @tf.function(jit_compile=True, autograph=False)
    def program(batches):
        def body(i):
            step(keras.tree.map_structure(lambda leaves: leaves[i], batches))
            return i + 1

        tf.while_loop(lambda i: i < num_steps, body, [tf.constant(0)])
        return model.get_metrics_result()

    @tf.function(autograph=False)
    def read_and_run(iterator):
        batches = [iterator.get_next() for _ in range(num_steps)]
        return program(keras.tree.map_structure(lambda *leaves: tf.stack(leaves), *batches))

    return lambda iterator: (read_and_run if isinstance(iterator, tf.data.Iterator) else one_by_one)(iterator)


def iterations(model: Any, iterator: Iterator) -> int:
    """The number of training steps before the one with these arguments.

    Args:
        model: compiled `ObjectiveModel`.
        iterator: not used.
    """
    return int(model.iterations)


class NextEpoch(keras.callbacks.Callback):
    """Moves batches to their next epoch, as Keras does if it reads them itself.

    Args:
        batches: the zoo's own batches that `tf.data` reads.
    """

    def __init__(self, batches: Batches | SemiSupervised):
        super().__init__()
        self.batches = batches

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Moves the batches to their next epoch."""
        self.batches.epoch += 1


@contextlib.contextmanager
def fitting(model: Any, plan: ExecutionPlan, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A context with the arguments for Keras's `fit`.

    `tf.data` reads the zoo's own batches, because reading them in Python slows the step down.

    Args:
        model: compiled `ObjectiveModel`.
        plan: how the steps run. It is not used.
        options: the arguments that the model's `fit` received.

    Yields:
        The arguments for Keras's `fit`.

    Raises:
        ValueError: on several devices, a network or a number of steps that does not run there.
    """
    x, callbacks = options["x"], options.get("callbacks")
    spread = model.distribute_strategy.num_replicas_in_sync > 1
    if isinstance(x, (Batches, SemiSupervised)) and not isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = [NextEpoch(x), *keras.tree.flatten(callbacks or [])]
        options = {**options, "x": _read_in_python(x) if spread else x.tf_dataset, "callbacks": callbacks}
    if not spread and not model.run_eagerly:
        _make_metrics(model, x, options.get("y"))
    with _spread(model, options) if spread else contextlib.nullcontext():
        yield options


def _make_metrics(model, x, y):
    """Makes the variables of the metrics, without which the step would be traced twice."""
    if isinstance(x, (Batches, SemiSupervised)):
        y = x.y
    elif isinstance(x, tf.data.Dataset) and isinstance(x.element_spec, tuple) and len(x.element_spec) > 1:
        y = x.element_spec[1]
    labels = keras.tree.flatten(y)
    if labels and all(isinstance(each, (np.ndarray, tf.TensorSpec)) or tf.is_tensor(each) for each in labels):
        model.make_metrics(keras.tree.map_structure(_symbolic, y))


def _symbolic(labels):
    return keras.KerasTensor((None, *labels.shape[1:]), keras.backend.standardize_dtype(labels.dtype))


def _read_in_python(batches):
    """The zoo's own batches for several devices. A strategy would copy the variables of their `tf_dataset`."""
    signature = keras.tree.map_structure(lambda array: tf.TensorSpec(array.shape, array.dtype), batches[0])
    dataset = tf.data.Dataset.from_generator(
        lambda: (batches[step] for step in range(len(batches))), output_signature=signature
    )
    return dataset.apply(tf.data.experimental.assert_cardinality(len(batches)))


def check_division(options: Mapping[str, Any], num_devices: int) -> None:
    """Refuses data with a batch that does not divide: the mean of its means would weight examples differently.

    Args:
        options: the arguments of `fit` by their names. Data sets whose batches cannot be told before they are read are
            not checked.
        num_devices: number of devices that share a batch.

    Raises:
        ValueError: a batch does not divide among the devices.

    Example:
        >>> from zoo.training.tensorflow_step import check_division
        >>> check_division({"x": np.zeros((64, 3)), "batch_size": 16}, num_devices=2)
    """
    wrong = [size for size in _batch_sizes(options) if size % num_devices]
    if wrong:
        raise ValueError(
            f"Every batch must divide among the {num_devices} devices, received a batch of {wrong[0]} examples. Leave "
            "out some examples (drop_remainder=True in tf.data), or change the batch size."
        )


def _batch_sizes(options):
    """The numbers of examples in a full and in the last batch, as far as they are known before the data is read."""
    x, every = options["x"], not options.get("steps_per_epoch")  # which may leave out the last batch
    if isinstance(x, tf.data.Dataset):
        return _batch_sizes_of_dataset(x, every)
    if isinstance(x, keras.utils.PyDataset):
        ends = {0, x.num_batches - 1} if every and x.num_batches else {0}
        return [len(leaf) for index in ends for leaf in keras.tree.flatten(x[index][0])]
    leaves = keras.tree.flatten(x)
    if not all(isinstance(leaf, np.ndarray) or tf.is_tensor(leaf) for leaf in leaves):
        return []
    num_examples = int(len(leaves[0]) * (1 - (options.get("validation_split") or 0)))
    batch_size = min(options.get("batch_size") or 32, num_examples)
    return [batch_size, num_examples % batch_size]


def _batch_sizes_of_dataset(dataset, every):
    """Those of a set made by `batch`, which may be shuffled, mapped or repeated then. TensorFlow has no public way."""
    while type(dataset).__name__.strip("_").removesuffix("Dataset") in KEEPS_BATCHES:
        dataset = dataset._inputs()[0]
    if not hasattr(dataset, "_batch_size"):
        return []
    size, num_examples = int(dataset._batch_size), int(dataset._inputs()[0].cardinality())
    partial = every and num_examples > 0 and not dataset._drop_remainder
    return [size, num_examples % size] if partial else [size]


@contextlib.contextmanager
def _spread(model, options):
    """The strategy's scope, with batch normalization over the rows of all devices.

    Raises:
        ValueError: a layer draws random numbers, which would be the same on every device; several steps run at a time,
            which Keras's loop cannot do on several devices; or there is a batch that does not divide among them.
    """
    check_division(options, model.distribute_strategy.num_replicas_in_sync)
    if model.steps_per_execution > 1:
        raise ValueError(
            "On several devices TensorFlow runs one step at a time, received steps_per_execution="
            f"{model.steps_per_execution}."
        )
    layers = [layer for layer in (model.network, model.preprocessing) if layer is not None]
    inner = [each for layer in layers for each in flatten_layers(layer)]  # containers before the layers inside them
    drawing = [layer.name for layer in inner if any(map(is_random_state, layer.variables))]
    if drawing:
        raise ValueError(
            "On TensorFlow, layers that draw random numbers draw the same ones on every device, received "
            f"{drawing[-1]!r}. Train such networks on several devices with KERAS_BACKEND=jax."
        )
    with synchronized_statistics(model.network), exact_moments(model.network), model.distribute_strategy.scope():
        yield
