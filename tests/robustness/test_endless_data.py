"""Where the number of steps is given, as many run and no more, of data that do not end too."""

import keras
import numpy as np
import pytest

import zoo

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 6)).astype("float32"), RNG.integers(0, 3, 40)


def endless(read):
    """Batches of four; `read` gets an entry for each."""
    while True:
        read.append(4)
        yield X[:4], Y[:4]


def steps(trained):
    return int(trained.optimizer.iterations)


@pytest.mark.parametrize("steps_per_epoch", [7, 10])
def test_steps_per_epoch_of_a_generator(network, model, steps_per_epoch):
    trained = model(network(), zoo.AdversarialTraining(0.1))
    trained.fit(endless([]), steps_per_epoch=steps_per_epoch, epochs=2, verbose=0)
    assert steps(trained) == 2 * steps_per_epoch


class Endless(keras.utils.PyDataset):
    num_batches = None

    def __getitem__(self, index):
        return X[:4], Y[:4]


def test_steps_per_epoch_of_a_py_dataset(network, model):
    trained = model(network())
    trained.fit(Endless(), steps_per_epoch=3, epochs=2, verbose=0)
    assert steps(trained) == 6


@pytest.mark.parametrize("data", [(X, Y), (zoo.datasets.Batches(X, Y, 4),)])
def test_steps_per_epoch_of_arrays(network, model, data):
    trained = model(network(), zoo.AdversarialTraining(0.1))
    trained.fit(*data, steps_per_epoch=1, epochs=2, verbose=0)
    assert steps(trained) == 2


def test_epochs_of_another_length_run_through_every_permutation(network, model):
    class Seen(zoo.datasets.Batches):
        def __getitem__(self, index):
            seen.append((self.epoch, index))
            return super().__getitem__(index)

    seen = []
    trained = model(network())
    trained.fit(Seen(X, Y, 4), steps_per_epoch=5, epochs=5, verbose=0)
    assert steps(trained) == 25 and seen[:25] == [divmod(step, 10) for step in range(25)]


def test_validation_and_evaluation_read_as_many_batches(network, model):
    trained, validation, test = model(network()), [], []
    trained.fit(X, Y, batch_size=4, validation_data=endless(validation), validation_steps=3, verbose=0)
    assert 3 <= len(validation) <= 5  # Keras looks ahead
    trained.fit(X, Y, batch_size=4, verbose=0)
    assert trained.steps_per_execution == 10
    trained.evaluate(endless(test), steps=3, verbose=0)
    assert 3 <= len(test) <= 5
    assert len(trained.predict(((X[:4],) for _ in range(20)), steps=3, verbose=0)) == 12
    assert trained.steps_per_execution == 10
    trained.fit(X, Y, batch_size=4, verbose=0)
    assert steps(trained) == 30
