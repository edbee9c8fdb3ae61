"""The shared head: the seed and the epoch alone determine the batches; epochs, shards and copies elsewhere."""

import contextlib

import keras
import numpy as np
import pytest

from zoo import RegularizedModel
from zoo.datasets import Batches, SemiSupervised
from zoo.datasets.epochwise import kept_epoch

X = np.arange(23, dtype="float32")[:, None] * np.ones(4, "float32")
Y = np.arange(23, dtype="int32")
U = np.arange(100, 160, dtype="float32")[:, None] * np.ones(4, "float32")


def equal(a, b):
    leaves = zip(keras.tree.flatten(a), keras.tree.flatten(b), strict=True)
    return all(np.array_equal(p, q) for p, q in leaves)


def semi_supervised(**options):
    return SemiSupervised(X, Y, U, **{"batch_size": 5, "unlabeled_batch_size": 8, **options})


DATASETS = {"batches": lambda **options: Batches(X, Y, 5, **options), "semi_supervised": semi_supervised}


@pytest.fixture(params=DATASETS)
def dataset(request):
    return DATASETS[request.param]


def test_seed_and_epoch_fix_the_batches(dataset):
    first, second = dataset(seed=3), dataset(seed=3)
    assert equal(list(first), list(second))
    assert not equal(list(first), list(dataset(seed=4)))
    second.epoch += 1
    assert not equal(list(first), list(second))


def test_resumed_run_sees_the_same_batches(dataset):
    whole, resumed = dataset(seed=1), dataset(seed=1)
    for _ in range(3):
        list(whole)
        whole.epoch += 1
    resumed.epoch = 3
    assert equal(list(whole), list(resumed))


def test_batches_in_any_order(dataset):
    one, other = dataset(), dataset()
    backwards = [other[i] for i in reversed(range(len(other)))]
    assert equal([one[i] for i in range(len(one))], backwards[::-1])


def test_fit_counts_every_epoch_once(dataset):
    """Across two calls of `fit`, with a model that Keras builds from the first batch."""
    seen = []

    class Recorder(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(1)

        def call(self, inputs):
            return self.dense(inputs["labeled"] if isinstance(inputs, dict) else inputs)

    class Epochs(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append(data.epoch)

    data, model = dataset(), Recorder()
    model.compile("sgd", "mse")
    model.fit(data, epochs=3, verbose=0, callbacks=[Epochs()])
    model.fit(data, initial_epoch=3, epochs=5, verbose=0, callbacks=[Epochs()])
    assert seen == [0, 1, 2, 3, 4]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.data comes with TensorFlow")
def test_the_same_batches_from_tf_data(dataset):
    one, other = dataset(), dataset()
    stream = one.tf_dataset
    for _ in range(2):
        assert len(stream) == len(other) and equal(list(stream.as_numpy_iterator()), list(other))
        one.epoch += 1
        other.epoch += 1
    for a, b in zip(keras.tree.flatten(stream.element_spec), keras.tree.flatten(other[0]), strict=True):
        assert a.shape == b.shape and a.dtype.name == b.dtype.name


def test_evaluation_and_prediction_leave_the_epoch(dataset):
    data = dataset()
    model = RegularizedModel(keras.Sequential([keras.Input((4,)), keras.layers.Dense(23)]))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    model.evaluate(data, verbose=0)
    model.predict(data, verbose=0)
    assert data.epoch == 0
    model.fit(data, validation_data=dataset(), epochs=2, verbose=0)
    model.fit(data, validation_data=data, epochs=2, verbose=0)
    assert data.epoch == 4


def test_the_zoos_fit_counts_every_epoch_once_and_follows_the_order(dataset):
    """Across two calls of `fit`; a layer sums its inputs, each weighed by when it came."""
    seen, data, reference = [], dataset(), dataset()

    class Sum(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.total = self.add_weight(shape=(4,), initializer="zeros", trainable=False)
            self.scale = self.add_weight(shape=(), initializer="ones")
            self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, inputs):
            self.count.assign(self.count + 1)
            self.total.assign(self.total + self.count * keras.ops.sum(inputs, axis=0))
            return self.scale * inputs

    class Epochs(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append(data.epoch)

    layer = Sum()
    model = RegularizedModel(keras.Sequential([keras.Input((4,)), layer]))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    data.y = reference.y = np.zeros_like(Y)
    before = keras.ops.convert_to_numpy(layer.total), float(layer.count)
    model.fit(data, epochs=2, verbose=0, callbacks=[Epochs()])
    model.fit(data, initial_epoch=2, epochs=3, verbose=0, callbacks=[Epochs()])
    assert seen == [0, 1, 2] and data.epoch == 3
    expected, count = before
    for reference.epoch in range(3):
        for x, _ in reference:
            count += 1
            expected = expected + count * sum(rows.sum(axis=0) for rows in keras.tree.flatten(x))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer.total), expected, rtol=1e-4)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="on TensorFlow, tf.data gathers")
@pytest.mark.parametrize("dataset", DATASETS)
def test_the_same_batches_from_the_device(dataset):
    here, there = DATASETS[dataset](), DATASETS[dataset]()
    there.move_to_device()
    for here.epoch in (0, 1):
        there.epoch = here.epoch
        assert equal(list(here), list(there))
    leaves = keras.tree.flatten(there[0])
    assert all(keras.ops.is_tensor(leaf) for leaf in leaves)
    assert there.num_bytes == sum(array.nbytes for array in {"batches": (X, Y), "semi_supervised": (X, Y, U)}[dataset])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.data comes with TensorFlow")
def test_the_same_shards_from_tf_data():
    part = Batches(X, Y, 6).shard(1, 3)
    assert equal(list(part.tf_dataset.as_numpy_iterator()), list(part))


def test_uneven_shards_are_refused():
    with pytest.raises(ValueError, match="Batches of 5 examples cannot be cut into 2 equal parts"):
        Batches(X, Y, 5).shard(0, 2)
    with pytest.raises(ValueError, match="index must be at least 0 and at most 1, received 2"):
        Batches(X, Y, 4).shard(2, 2)


@pytest.mark.parametrize("error", [None, KeyboardInterrupt])
def test_kept_epoch_restores_the_epoch(dataset, error):
    data = dataset()
    data.epoch = 2
    before = list(data)
    with contextlib.suppress(KeyboardInterrupt), kept_epoch(data):
        data.epoch += 3
        if error:
            raise error
    assert data.epoch == 2 and equal(list(data), before)


@pytest.mark.parametrize("other", [None, X, [X, Y]])
def test_kept_epoch_leaves_other_data_alone(other):
    with kept_epoch(other):
        pass
