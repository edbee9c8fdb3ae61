"""Trains on two virtual devices under TensorFlow, on a set whose last batch divides and on one where it does not."""

import keras
import numpy as np
import tensorflow as tf

import zoo


def outcome(data):
    """The error, or whether the loss is finite."""
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        model = zoo.RegularizedModel(zoo.networks.mlp((2,), 3, hidden_units=(2,)), zoo.AdversarialTraining(0.1), seed=0)
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    try:
        return str(np.isfinite(model.fit(data, verbose=0).history["loss"][0]))
    except ValueError as error:
        return str(error)


def dataset(num_examples):
    x, y = np.ones((num_examples, 2), "float32"), np.zeros(num_examples, "int32")
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(8)


if __name__ == "__main__":
    [cpu] = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, 2 * [tf.config.LogicalDeviceConfiguration()])
    print(outcome(dataset(22)), outcome(dataset(21)), sep="\n")
