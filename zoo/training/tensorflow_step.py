"""The training step on TensorFlow."""

import contextlib
import functools

import keras
import tensorflow as tf

from zoo.backend.keras_internals import as_step_function, loss_tracker
from zoo.backend.replicas import num_replicas
from zoo.datasets import Batches, SemiSupervised
from zoo.training.statistics import second_derivatives, synchronized_statistics


def train_step(model, active, data):
    """One step of gradient descent on `model.objective`.

    Args:
        model: compiled `ObjectiveModel`.
        active: which terms take part, for `model.objective`.
        data: batch of `fit`.

    Returns:
        Logs.
    """
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    if not model.built:
        model.build(keras.tree.map_structure(lambda inputs: tuple(inputs.shape), x))
    with tf.GradientTape() as tape:
        loss, y_pred = model.objective(x, y, sample_weight, active)
        scaled_loss = model.optimizer.scale_loss(loss / num_replicas())  # the gradients are added up
    gradients = tape.gradient(scaled_loss, model.trainable_variables)
    model.optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    loss_tracker(model).update_state(loss, sample_weight=tf.shape(y_pred)[0])
    return model.compute_metrics(x, y, y_pred, sample_weight)


def train_function(model, plan, active):
    """What `fit` calls: `iterator -> logs`, for `model.steps_per_execution` steps.

    Args:
        model: compiled `ObjectiveModel`.
        plan: `ExecutionPlan`.
        active: which terms take part, for `model.objective`.
    """
    step = functools.partial(train_step, model, active)
    if model.run_eagerly or not plan.jit_compile:
        return as_step_function(model, step)
    # Compiled here, and not by Keras's own option, which predictions would share: their batches vary in size.
    one_by_one = as_step_function(model, tf.function(step, jit_compile=True, autograph=False, reduce_retracing=True))
    # A model with metrics of its own says only within the step what its logs are.
    keeps_metrics = type(model).compute_metrics is keras.Model.compute_metrics
    return _one_program(model, step, plan, one_by_one) if plan.one_program and keeps_metrics else one_by_one


def _one_program(model, step, plan, one_by_one):
    """Runs several steps as one program; `one_by_one` takes the generator of `train_on_batch`."""
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


def iterations(model, iterator):
    """The number of training steps before the one with these arguments."""
    return int(model.iterations)


class NextEpoch(keras.callbacks.Callback):
    """Moves batches on to their next epoch, as Keras does if it reads them itself."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_epoch_end(self, epoch, logs=None):
        self.batches.epoch += 1


@contextlib.contextmanager
def fitting(model, plan, options):
    """The arguments with which Keras's `fit` trains the model, from those that ours received.

    The zoo's batches come out of `tf.data`, because reading them in Python slows the step down.

    Raises:
        ValueError: on several devices, what `_spread` refuses.
    """
    x, callbacks = options["x"], options.get("callbacks")
    spread = model.distribute_strategy.num_replicas_in_sync > 1
    if isinstance(x, (Batches, SemiSupervised)) and not isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = [NextEpoch(x), *keras.tree.flatten(callbacks or [])]
        options = {**options, "x": _read_in_python(x) if spread else x.tf_dataset, "callbacks": callbacks}
    with _spread(model) if spread else contextlib.nullcontext():
        yield options


def _read_in_python(batches):
    """The zoo's batches for several devices: a strategy would copy the variables of their `tf_dataset`."""
    signature = keras.tree.map_structure(lambda array: tf.TensorSpec(array.shape, array.dtype), batches[0])
    dataset = tf.data.Dataset.from_generator(
        lambda: (batches[step] for step in range(len(batches))), output_signature=signature
    )
    return dataset.apply(tf.data.experimental.assert_cardinality(len(batches)))


@contextlib.contextmanager
def _spread(model):
    """The strategy's scope, with batch normalization over the rows of all devices.

    Raises:
        ValueError: layers that draw random numbers, which would be the same on every device; several steps at a time,
            which Keras's loop over them cannot run on several devices.
    """
    if model.steps_per_execution > 1:
        raise ValueError(
            "On several devices TensorFlow runs one step at a time, received steps_per_execution="
            f"{model.steps_per_execution}."
        )
    layers = [layer for layer in (model.network, model.preprocessing) if layer is not None]
    drawing = [v.path for layer in layers for v in layer.variables if "seed_generator" in v.path]
    if drawing:
        raise ValueError(
            "On TensorFlow, layers that draw random numbers draw the same ones on every device, received "
            f"{drawing[0]}. Train such networks on several devices with KERAS_BACKEND=jax."
        )
    with synchronized_statistics(model.network), second_derivatives(model.network), model.distribute_strategy.scope():
        yield
