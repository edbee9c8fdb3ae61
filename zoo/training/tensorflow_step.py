"""The training step on TensorFlow."""

import contextlib

import keras
import tensorflow as tf

from zoo.backend.replicas import num_replicas
from zoo.datasets.batches import Batches, SemiSupervised
from zoo.training.statistics import second_derivatives, synchronized_statistics


class NextEpoch(keras.callbacks.Callback):
    """Moves batches on to their next epoch, as Keras does where it reads them itself."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_epoch_end(self, epoch, logs=None):
        self.batches.epoch += 1


def read_in_python(batches):
    """The zoo's batches for several devices: a strategy would copy the variables behind their `tf_dataset`."""
    signature = keras.tree.map_structure(lambda array: tf.TensorSpec(array.shape, array.dtype), batches[0])
    dataset = tf.data.Dataset.from_generator(
        lambda: (batches[step] for step in range(len(batches))), output_signature=signature
    )
    return dataset.apply(tf.data.experimental.assert_cardinality(len(batches)))


class TrainStep:
    """Trains on `self.objective(x, y, sample_weight) -> (loss, outputs)` in place of Keras's forward pass and loss."""

    def fit(self, x=None, y=None, *args, callbacks=None, **kwargs):
        """Keras's `fit`; the zoo's batches come out of `tf.data`, for reading them in Python slows the step down."""
        spread = self.distribute_strategy.num_replicas_in_sync > 1
        extensible = not isinstance(callbacks, keras.callbacks.CallbackList)
        if isinstance(x, (Batches, SemiSupervised)) and extensible:
            callbacks = [NextEpoch(x), *keras.tree.flatten(callbacks or [])]
            x = read_in_python(x) if spread else x.tf_dataset
        with self._spread() if spread else contextlib.nullcontext():
            return super().fit(x, y, *args, callbacks=callbacks, **kwargs)

    @contextlib.contextmanager
    def _spread(self):
        """The strategy's scope, with batch normalization over the rows of all devices.

        Raises:
            ValueError: layers that draw random numbers, which would be the same on every device; several steps at a
                time, which Keras's loop over them cannot run on several devices.
        """
        if self.steps_per_execution > 1:
            raise ValueError(
                "On several devices TensorFlow runs one step at a time, received steps_per_execution="
                f"{self.steps_per_execution}."
            )
        layers = [layer for layer in (self.network, self.preprocessing) if layer is not None]
        drawing = [v.path for layer in layers for v in layer.variables if "seed_generator" in v.path]
        if drawing:
            raise ValueError(
                "On TensorFlow, layers that draw random numbers draw the same ones on every device, received "
                f"{drawing[0]}. Train such networks on several devices with KERAS_BACKEND=jax."
            )
        with synchronized_statistics(self.network), second_derivatives(self.network), self.distribute_strategy.scope():
            yield

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Keras's; in training the mean over this device's examples, which Keras divides by the number of devices."""
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        return loss * num_replicas() if training else loss

    def steps_in_one_program(self, one_by_one):
        """A training function that runs `steps_per_execution` steps as one program.

        Args:
            one_by_one: Keras's, which calls a program of XLA's for each step; for the generator of `train_on_batch`.
        """
        if type(self).compute_metrics is not keras.Model.compute_metrics:
            return one_by_one  # only within the step is it known what that returns

        @tf.function(jit_compile=True, autograph=False)
        def program(batches):
            def step(i):
                self.train_step(keras.tree.map_structure(lambda leaves: leaves[i], batches))
                return i + 1

            tf.while_loop(lambda i: i < self.steps_per_execution, step, [tf.constant(0)])
            return self.get_metrics_result()

        @tf.function(autograph=False)
        def read_and_run(iterator):
            batches = [iterator.get_next() for _ in range(self.steps_per_execution)]
            return program(keras.tree.map_structure(lambda *leaves: tf.stack(leaves), *batches))

        return lambda iterator: (read_and_run if isinstance(iterator, tf.data.Iterator) else one_by_one)(iterator)

    def steps_taken(self, iterator):
        """The number of training steps before the one with these arguments."""
        return int(self.num_steps)

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        if not self.built:
            self.build(keras.tree.map_structure(lambda inputs: tuple(inputs.shape), x))
        with tf.GradientTape() as tape:
            loss, y_pred = self.objective(x, y, sample_weight)
            scaled_loss = self.optimizer.scale_loss(loss / num_replicas())  # the gradients are added up
        gradients = tape.gradient(scaled_loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        self._loss_tracker.update_state(loss, sample_weight=tf.shape(y_pred)[0])
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data):
        return self.without_training_metrics(super().test_step(data))
