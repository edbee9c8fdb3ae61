"""Small networks, and gradients of the objective, on both backends."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo


@pytest.fixture
def data():
    """24 inputs of 6 entries, and their labels in 3 classes."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(24, 6)).astype("float32"), (np.arange(24) % 3).astype("int32")


@pytest.fixture
def network():
    """Makes a two-layer network; called again with the same arguments, it makes the same one again."""

    def make(*middle, outputs=3, activation=None, shape=(6,), **options):
        keras.utils.set_random_seed(3)
        dense = [layers.Dense(5, activation="tanh", **options), layers.Dense(outputs, activation=activation, **options)]
        return keras.Sequential([keras.Input(shape), layers.Flatten(), dense[0], *middle, dense[1]])

    return make


@pytest.fixture
def model():
    """Wraps a network and compiles it; by default for logits, with plain gradient descent."""

    def make(network, regularizer=None, loss=None, optimizer=None, preprocessing=None, perturb=None, **options):
        model = zoo.RegularizedModel(network, regularizer, preprocessing=preprocessing, perturb=perturb, seed=1)
        loss = loss or keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if keras.backend.backend() == "tensorflow":
            options.setdefault("jit_compile", False)  # it takes seconds to compile what runs in milliseconds
        model.compile(optimizer or keras.optimizers.SGD(0.1), loss, **options)
        return model

    return make


@pytest.fixture
def quick():
    """Options of `compile` for a few small steps: on TensorFlow it takes longer to trace them than to run them."""
    return {"run_eagerly": keras.backend.backend() == "tensorflow"}


@pytest.fixture
def eager_programs():
    """Runs the programs of attacks eagerly on TensorFlow, which takes longer to trace so many than to run them."""
    if keras.backend.backend() == "jax":
        yield
        return
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(before)


@pytest.fixture
def fit():
    """Fits in order and returns the history, by default all examples in batches of 8."""

    def run(model, x, y=None, **options):
        options = {"epochs": 1, "shuffle": False, "verbose": 0, **options}
        if isinstance(x, np.ndarray):
            options.setdefault("batch_size", 8)
        return model.fit(x, y, **options).history

    return run


def all_values(model):
    return [ops.convert_to_numpy(variable.value) for variable in model.variables]


def set_all(model, values):
    for variable, value in zip(model.variables, values, strict=True):
        variable.assign(value)


def _tensor(array):
    return None if array is None else ops.convert_to_tensor(array)


@pytest.fixture
def objective():
    """The objective of one batch as a number; the model's state, random state included, comes back afterwards."""

    def evaluate(model, x, y, sample_weight=None):
        before = all_values(model)
        loss, _ = model.objective(keras.tree.map_structure(_tensor, x), _tensor(y), _tensor(sample_weight))
        set_all(model, before)
        return float(loss)

    return evaluate


@pytest.fixture
def gradients():
    """The objective and its gradients in the trainable variables; the model's state comes back afterwards."""

    def differentiate(model, x, y, sample_weight=None):
        batch = (keras.tree.map_structure(_tensor, x), _tensor(y), _tensor(sample_weight))
        if keras.backend.backend() == "jax":
            loss, result = _gradients_jax(model, batch)
        else:
            loss, result = _gradients_tensorflow(model, batch)
        return float(loss), [ops.convert_to_numpy(gradient) for gradient in result]

    return differentiate


def _gradients_jax(model, batch):
    import jax

    values = [variable.value for variable in model.trainable_variables]

    def loss(values):
        with keras.StatelessScope(state_mapping=list(zip(model.trainable_variables, values, strict=True))):
            return model.objective(*batch)[0]

    return jax.jit(jax.value_and_grad(loss))(values)


def _gradients_tensorflow(model, batch):
    import tensorflow as tf

    before = all_values(model)
    with tf.GradientTape() as tape:
        loss, _ = model.objective(*batch)
    result = tape.gradient(loss, [v.value for v in model.trainable_variables], unconnected_gradients="zero")
    set_all(model, before)
    return loss, result


@pytest.fixture
def assert_same_weights():
    """Compares all the weights of two models, random and moving-average state included."""

    def compare(first, second, **tolerance):
        for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
            if tolerance:
                np.testing.assert_allclose(a, b, **tolerance)
            else:
                np.testing.assert_array_equal(a, b)

    return compare


def image_network(*hidden):
    return keras.Sequential([layers.Input((4, 4, 1)), *hidden, layers.Flatten(), layers.Dense(3, name="logits")])


class WithoutConfiguration(keras.Model):
    """A subclassed network, as users write them, without `get_config`."""

    def __init__(self, units):
        super().__init__()
        self.dense = layers.Dense(units)

    def call(self, x):
        return self.dense(x)


class Watching(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(batch)


class Pairs(keras.utils.PyDataset):
    """Three batches of eight examples."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def __len__(self):
        return 3

    def __getitem__(self, index):
        rows = slice(8 * index, 8 * index + 8)
        return self.x[rows], self.y[rows]
