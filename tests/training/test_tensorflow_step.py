"""The step is traced once; on several devices, what does not run there is refused before training."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("TensorFlow's strategies", allow_module_level=True)

import tensorflow as tf
from keras import layers

from zoo.datasets import Batches, SemiSupervised
from zoo.training import tensorflow_step
from zoo.training.tensorflow_step import check_division

SETS = {
    "arrays": lambda x, y: (x, y),
    "batches": lambda x, y: (Batches(x, y, batch_size=8), None),
    "semi_supervised": lambda x, y: (SemiSupervised(x, y, x, batch_size=8, unlabeled_batch_size=4), None),
    "tf_data": lambda x, y: (tf.data.Dataset.from_tensor_slices((x, y)).batch(8), None),
}


@pytest.fixture
def traces(monkeypatch):
    """The traces of training steps."""
    step, seen = tensorflow_step.train_step, []
    monkeypatch.setattr(tensorflow_step, "train_step", lambda *args: seen.append(args) or step(*args))
    return seen


@pytest.mark.parametrize("kind", SETS)
def test_a_step_is_traced_once(kind, network, model, data, fit, traces):
    """TensorFlow would trace it twice if it made the variables of the optimizer or of the metrics."""
    trained = model(network(), optimizer="adam", metrics=["accuracy"])
    assert set(fit(trained, *SETS[kind](*data), epochs=2)) == {"loss", "accuracy"}
    assert len(traces) == 1
    assert len(trained.optimizer.variables) == 2 + 2 * len(trained.trainable_variables)


def test_a_single_batch_is_traced_once(network, model, data, traces):
    trained = model(network(), optimizer="adam")
    trained.build((None, 6))
    for _ in range(2):
        trained.train_on_batch(*data)
    assert len(traces) == 1


@pytest.mark.parametrize(
    "num_examples, batch_size, split, refused",
    [
        (64, 16, 0, False),
        (66, 16, 0, False),
        (65, 16, 0, True),  # the last batch has one example for two devices
        (64, None, 0, False),
        (65, None, 0, True),
        (63, 9, 0, True),
        (7, None, 0, True),
        (80, 16, 0.2, False),
        (82, 16, 0.2, True),
    ],
)
def test_batches_divide_among_two_devices(num_examples, batch_size, split, refused):
    options = {"x": np.zeros((num_examples, 3)), "batch_size": batch_size, "validation_split": split}
    if refused:
        with pytest.raises(ValueError, match="divide among the 2 devices, received"):
            check_division(options, 2)
    else:
        check_division(options, 2)
    check_division(options, 1)


class Pairs(keras.utils.PyDataset):
    def __init__(self, *sizes, endless=False):
        super().__init__()
        self.sizes, self.endless = sizes, endless

    @property
    def num_batches(self):
        return None if self.endless else len(self.sizes)

    def __getitem__(self, index):
        size = self.sizes[index]
        return {"labeled": np.zeros((2, 3)), "unlabeled": np.zeros((size, 3))}, np.zeros(2)


def rows(num_examples):
    return tf.data.Dataset.from_tensor_slices((np.zeros((num_examples, 3)), np.zeros(num_examples)))


@pytest.mark.parametrize(
    "data, refused",
    [
        (rows(21).batch(8), 5),
        (rows(22).batch(8), None),
        (rows(21).batch(8, drop_remainder=True), None),
        (rows(21).batch(7, drop_remainder=True), 7),
        (rows(21).shuffle(4).batch(8, num_parallel_calls=2).map(lambda x, y: (x, y)).cache().repeat(2).prefetch(1), 5),
        (rows(21).repeat().batch(8), None),
        (rows(21).repeat(2).batch(8), None),
        (rows(21).batch(8).take(2), None),  # which has no last batch of 5
        (rows(21).filter(lambda x, y: True).batch(8), None),  # whose number of examples is not known
        (rows(21).filter(lambda x, y: True).batch(7), 7),
        (Pairs(4, 4), None),
        (Pairs(4, 3), 3),
        (Pairs(5, 4), 5),
        (Pairs(4, 3, endless=True), None),
    ],
)
def test_batches_of_data_sets_divide_among_two_devices(data, refused):
    if refused:
        with pytest.raises(ValueError, match=f"divide among the 2 devices, received a batch of {refused} examples"):
            check_division({"x": data}, 2)
    else:
        check_division({"x": data}, 2)
    check_division({"x": data}, 1)


@pytest.mark.parametrize("data", [rows(21).batch(8), Pairs(4, 4, 3)])
def test_a_number_of_steps_may_leave_the_last_batch_out(data):
    check_division({"x": data, "steps_per_epoch": 2}, 2)


def test_two_devices_refuse_a_set_before_training():
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-m", "tests.support.division_program"]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True).stdout
    trained, refused = printed.splitlines()[-2:]
    assert trained == "True" and "divide among the 2 devices, received a batch of 5 examples" in refused


def test_other_data_is_not_looked_at():
    check_division({"x": iter(())}, 2)


@pytest.mark.parametrize("kind", ["batches", "semi_supervised"])
def test_python_reads_the_batches_of_the_epoch(kind, data):
    batches, _ = SETS[kind](*data)
    read = tensorflow_step._read_in_python(batches)
    assert int(read.cardinality()) == len(batches)
    for epoch in range(2):
        batches.epoch = epoch
        expected = [batches[step] for step in range(len(batches))]
        for found, given in zip(read, expected, strict=True):
            for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(given), strict=True):
                np.testing.assert_array_equal(a, b)


@pytest.fixture
def mirrored(network, model):
    """Makes a model under a strategy of one device."""

    def make(*middle, **options):
        with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
            made = model(network(*middle), **options)
            made.build((None, 6))
        return made

    return make


def test_several_devices_share_statistics_in_the_scope_of_their_strategy(mirrored, data):
    normalization, before = layers.BatchNormalization(), tf.nn.moments
    trained = mirrored(normalization)
    with tensorflow_step._spread(trained, {"x": data[0]}):
        assert normalization.synchronized and tf.nn.moments is not before
        assert tf.distribute.get_strategy() is trained.distribute_strategy
    assert not normalization.synchronized and tf.nn.moments is before and not tf.distribute.has_strategy()


REFUSED = {
    "several_steps": ([], {"steps_per_execution": 3}, "one step at a time, received steps_per_execution=3"),
    "network": ([layers.Dropout(0.5)], {}, "draw the same ones on every device, received 'dropout.*KERAS_BACKEND=jax"),
    "preprocessing": (
        [],
        {"preprocessing": layers.GaussianNoise(0.1)},
        "the same ones on every device, received 'gaussian_noise",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_several_devices_cannot_run(case, mirrored, data):
    middle, options, message = REFUSED[case]
    trained = mirrored(*middle, **options)
    with pytest.raises(ValueError, match=message), tensorflow_step._spread(trained, {"x": data[0]}):
        pytest.fail("training would begin")
