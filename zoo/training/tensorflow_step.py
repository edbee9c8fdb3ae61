"""The training step on TensorFlow."""

import keras
import tensorflow as tf


class TrainStep:
    """Trains on `self.objective(x, y, sample_weight) -> (loss, outputs)` in place of Keras's forward pass and loss."""

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        if not self.built:
            self.build(keras.tree.map_structure(lambda inputs: tuple(inputs.shape), x))
        with tf.GradientTape() as tape:
            loss, y_pred = self.objective(x, y, sample_weight)
            scaled_loss = self.optimizer.scale_loss(loss)
        gradients = tape.gradient(scaled_loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        self._loss_tracker.update_state(loss, sample_weight=tf.shape(y_pred)[0])
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data):
        return self.without_training_metrics(super().test_step(data))
