"""Trains every method for a few steps, spread in the given ways, and writes the weights and losses of each.

python -m tests.support.distributed_program OUT,OUT WAY,WAY [COORDINATOR NUM_PROCESSES PROCESS_INDEX]
"""

import sys

import keras
import numpy as np

import zoo
from zoo.backend.distribution import distribute, share_batches

ON_JAX = keras.backend.backend() == "jax"


def wrapped(regularizer):
    """A small network, with dropout on JAX."""
    keras.utils.set_random_seed(3)
    network = zoo.networks.mlp((10,), 3, hidden_units=(8,), dropout=0.2 if ON_JAX else 0.0)
    return zoo.RegularizedModel(network, regularizer, seed=1)


def regularized():
    """Several penalties, of which each is a metric."""
    iterated = zoo.AdversarialTraining(0.5, num_steps=2, random_start=True) + zoo.Trades(0.3, norm="l2", num_steps=2)
    iterated += zoo.AdversarialWeightPerturbation(zoo.Mart(0.3, num_steps=2), gamma=0.05)
    return wrapped(zoo.AdversarialTraining(0.5) + iterated + zoo.VirtualAdversarialTraining(0.5) + zoo.Smoothness(0.3))


def movement():
    """The penalties whose gradient is of second order."""
    shift = zoo.VirtualMovementTraining("shift", normalization="batch")
    return wrapped(zoo.VirtualMovementTraining("all") + shift)


def moved_layers():
    """Penalties that move what layers return, around statistics that the devices share."""
    keras.utils.set_random_seed(3)
    first, second = (keras.layers.Dense(8, "tanh", name=name) for name in ("first", "second"))
    middle = [first, keras.layers.BatchNormalization(), second, keras.layers.Dense(3)]
    regularizer = zoo.AdversarialTraining(0.5, num_steps=2) + zoo.VirtualAdversarialTraining(0.5)
    network = keras.Sequential([keras.Input((10,)), *middle])
    return zoo.RegularizedModel(network, regularizer, perturb=["first", "second"], seed=1)


def ladder(noise_std=0.3):
    keras.utils.set_random_seed(3)
    encoder = zoo.ladder.ladder_encoder((10,), 3, rungs=[{"name": "dense", "units": units} for units in (8, 3)])
    noise = zoo.ladder.AdversarialNoise(0.1, 0.1)
    return zoo.LadderNetwork(
        encoder, denoising_weights=[1.0, 0.1, 0.1], adversarial_noise=noise, noise_std=noise_std, seed=1
    )


def silent_ladder():
    return ladder(noise_std=0.0)


def trained(model, semi_supervised, steps=3):
    """The numbers to compare: losses and weights after a few steps on a fixed set."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(16, 10)).astype("float32"), (np.arange(16) % 3).astype("int32")
    unlabeled = rng.normal(size=(64, 10)).astype("float32")
    options = {"batch_size": 4, "steps_per_epoch": steps}
    if semi_supervised:
        batches = zoo.datasets.SemiSupervised(x, y, unlabeled, unlabeled_batch_size=8, **options)
    else:
        batches = zoo.datasets.Batches(x, y, **options)
    share_batches(batches)
    jit_compile = "auto" if ON_JAX else False  # on several devices TensorFlow cannot, and on one it takes its time
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, jit_compile=jit_compile)
    history = model.fit(batches, verbose=0).history
    return {**history, **{f"weight_{index}": value for index, value in enumerate(model.get_weights())}}


# Whether on labeled and unlabeled inputs, whose noise on TensorFlow is other on two devices: there without any.
MODELS = {regularized: ON_JAX, movement: ON_JAX, moved_layers: ON_JAX, ladder: ON_JAX}
if not ON_JAX:
    MODELS[silent_ladder] = True


def numbers():
    """Of all models: `{model/name: array}`."""
    return {
        f"{make.__name__}/{key}": value
        for make, mixed in MODELS.items()
        for key, value in trained(make(), mixed).items()
    }


def main(outputs, ways, coordinator=None, *place):
    for out, way in zip(outputs.split(","), ways.split(","), strict=True):
        with distribute(way, coordinator, *map(int, place)):
            np.savez(out, **numbers())


if __name__ == "__main__":
    if ON_JAX:
        import jax

        jax.config.update("jax_disable_most_optimizations", True)
    else:
        import tensorflow as tf

        [cpu] = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(cpu, 2 * [tf.config.LogicalDeviceConfiguration()])
    main(*sys.argv[1:])
