"""What is chosen for XLA and for the number of steps at a time, and that `fit` follows it."""

import keras
import numpy as np
import pytest
from keras import layers

import zoo
from zoo.training.callbacks.halt_on_nan import HaltOnNaN
from zoo.training.execution import (
    COMPILED_BY_JAX,
    MOST_BYTES,
    STEPS_AT_A_TIME,
    Epoch,
    can_be_one_program,
    choose_jit_compile,
    choose_steps_per_execution,
    whole_epoch,
)

on_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="on JAX there is no choice")
on_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="TensorFlow chooses")


def network(*hidden):
    return keras.Sequential([layers.Input((4, 4, 1)), *hidden, layers.Flatten(), layers.Dense(3, name="logits")])


@on_tensorflow
@pytest.mark.parametrize(
    "hidden, expected",
    [
        ([layers.Dense(2), layers.BatchNormalization()], True),
        ([layers.Conv2D(2, 3)], False),
        ([layers.Dropout(0.5)], False),
        ([keras.Sequential([layers.GaussianNoise(0.5)])], False),
    ],
)
def test_xla_for_dense_networks_without_noise(hidden, expected):
    assert choose_jit_compile([network(*hidden), None]) is expected
    assert choose_jit_compile([network(), network(*hidden)]) is expected  # preprocessing counts, too


@on_jax
def test_jax_compiles():
    assert choose_jit_compile([network(layers.Conv2D(2, 3)), None])


@pytest.mark.parametrize("place", ["network", "preprocessing"])
@pytest.mark.parametrize("kind", [*COMPILED_BY_JAX, layers.RandomCrop])
def test_augmentation_is_compiled_where_it_can_be(kind, place, model, recwarn):
    options = {layers.RandomTranslation: [0.1, 0.1], layers.RandomCrop: [4, 4]}.get(kind, [0.1])
    layer = kind(*options, seed=1)
    trained = model(network(layer)) if place == "network" else model(network(), preprocessing=layer)
    compiled = keras.backend.backend() == "jax" and kind in COMPILED_BY_JAX
    assert choose_jit_compile([trained.network, trained.preprocessing]) is trained.jit_compile is compiled
    trained.fit(np.ones((4, 4, 4, 1)), np.zeros(4, "int32"), verbose=0)
    assert not [each for each in recwarn if "jit_compile" in str(each.message)]


def test_steps_in_one_program_have_to_divide_the_epoch():
    expected = {5: False, 10: True, 25: False, 600: True}
    assert {steps: can_be_one_program([network(), None], Epoch(steps, 1), 10) for steps in expected} == expected
    assert not can_be_one_program([network(), None], None, 10)


def test_inputs_of_steps_in_one_program_take_little_memory():
    assert can_be_one_program([network(), None], Epoch(8, MOST_BYTES // 4), 4)
    assert not can_be_one_program([network(), None], Epoch(8, MOST_BYTES // 4 + 1), 4)


@on_jax
@pytest.mark.parametrize(("num_steps", "expected"), [(20, 10), (25, 1)])
def test_jax_takes_single_steps_where_they_cannot_be_one_program(num_steps, expected):
    assert choose_steps_per_execution([network(), None], Epoch(num_steps, 1), {}) == expected


@pytest.mark.parametrize(
    ("layer", "on_cpu"),
    [(network(layers.Conv2D(2, 3)), False), (keras.Sequential([layers.Flatten()]), False), (network(), True)],
)
def test_no_convolution_within_a_loop_on_the_cpu(layer, on_cpu, monkeypatch):
    """Nor a network that is not built, of which it is not known."""
    for place in ([layer, None], [network(), layer]):
        for on_gpu in (False, True):
            monkeypatch.setattr("zoo.training.execution._has_gpu", lambda on_gpu=on_gpu: on_gpu)
            assert can_be_one_program(place, Epoch(10, 1), 10) is (on_cpu or on_gpu)


class Watching(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(batch)


@pytest.mark.parametrize(
    "callbacks", [None, [], [keras.callbacks.EarlyStopping()], keras.callbacks.EarlyStopping(), [HaltOnNaN()]]
)
def test_many_steps_at_a_time(callbacks):
    assert choose_steps_per_execution([network()], Epoch(50, 1), {"callbacks": callbacks}) == STEPS_AT_A_TIME


@pytest.mark.parametrize(
    "callbacks",
    [
        Watching(),
        [Watching()],
        [keras.callbacks.EarlyStopping(), Watching()],
        keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None),
    ],
)
def test_one_step_at_a_time_under_the_eyes_of_a_callback(callbacks):
    assert choose_steps_per_execution([network()], Epoch(50, 1), {"callbacks": callbacks}) == 1


@pytest.fixture
def trained():
    x, y = np.random.default_rng(0).normal(size=(26, 4, 4, 1)).astype("float32"), np.arange(26) % 3

    def train(fits, **options):
        keras.utils.set_random_seed(0)
        model = zoo.RegularizedModel(network(), zoo.VirtualAdversarialTraining(1.0), seed=0)
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), **options)
        for callbacks in fits:
            model.fit(x, y, batch_size=2, shuffle=False, verbose=0, callbacks=callbacks)
        return model

    return train


def test_every_choice_gives_the_same_weights(trained):
    """Thirteen steps: ten and a rest of three; then a watched epoch, then another unwatched one."""
    watching = Watching()
    expected = trained([None] * 3, jit_compile=False, steps_per_execution=1).get_weights()
    for a, b in zip(expected, trained([None, [watching], None]).get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert watching.seen == list(range(13))


@pytest.mark.parametrize(
    ("num_examples", "options", "epoch"),
    [
        (20, {"batch_size": 2}, Epoch(10, 2 * 4 * 8)),
        (21, {"batch_size": 2}, None),
        (320, {}, Epoch(10, 32 * 4 * 8)),  # Keras's own 32
        (20, {"batch_size": 2, "validation_split": 0.5}, None),
        (20, {"batch_size": 2, "steps_per_epoch": 5}, None),
    ],
)
def test_epochs_of_whole_batches_of_arrays(num_examples, options, epoch):
    assert whole_epoch(np.zeros((num_examples, 4)), options) == epoch


def test_epochs_of_whole_batches():
    x, y = np.zeros((21, 4)), np.zeros(21, "int32")
    # The example that remains is left out.
    assert whole_epoch(zoo.datasets.Batches(x, y, 2), {}) == Epoch(10, 2 * 4 * 8)
    both = zoo.datasets.SemiSupervised(x, y, x, batch_size=2, unlabeled_batch_size=3)
    assert whole_epoch(both, {}) == Epoch(7, (2 + 3) * 4 * 8)
    assert whole_epoch(zoo.datasets.Batches(x, y, 2), {"steps_per_epoch": 5}) is None
    assert whole_epoch(iter([(x, y)]), {}) is None


class Content(Watching):
    needs_every_step = False


@pytest.mark.parametrize(
    ("num_examples", "chosen", "ends", "programs"),
    [
        (20, "auto", [9], 1),
        (24, 4, [3, 7, 11], 1),
        (27, 4, [3, 7, 11, 15], 0),  # a rest of a whole step and a smaller one
    ],
)
def test_steps_at_a_time_are_those_one_by_one(num_examples, chosen, ends, programs, monkeypatch):
    made, make = [], zoo.RegularizedModel.steps_in_one_program
    monkeypatch.setattr(
        zoo.RegularizedModel, "steps_in_one_program", lambda model, others: made.append(1) or make(model, others)
    )
    x, y = np.random.default_rng(0).normal(size=(num_examples, 4, 4, 1)).astype("float32"), np.arange(num_examples) % 3
    models, histories = [], []
    for steps in (1, chosen):
        keras.utils.set_random_seed(0)
        hidden = layers.Dense(4), layers.BatchNormalization()
        model = zoo.RegularizedModel(network(*hidden), zoo.VirtualAdversarialTraining(1.0), seed=0)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, metrics=["accuracy"], steps_per_execution=steps)
        content = Content()
        fitted = model.fit(x, y, 2, 2, 0, [content], shuffle=False)
        models.append(model)
        histories.append(fitted.history)
    assert content.seen == 2 * ends and len(made) == programs
    assert int(models[1].num_steps) == 2 * -(-num_examples // 2)
    for a, b in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    for name, values in histories[0].items():
        np.testing.assert_allclose(values, histories[1][name], rtol=1e-4, atol=1e-6)


def test_a_model_takes_data_of_another_size_and_single_batches_after_a_program(trained):
    model = trained([])
    x, y = np.random.default_rng(0).normal(size=(20, 4, 4, 1)).astype("float32"), np.arange(20) % 3
    steps = [10, 7, 1, 10]
    model.fit(x, y, batch_size=2, verbose=0)
    assert model.in_one_program
    model.fit(x[:13], y[:13], batch_size=2, verbose=0)
    assert not model.in_one_program
    model.train_on_batch(x[:3], y[:3])
    model.fit(x, y, batch_size=2, verbose=0)
    assert int(model.num_steps) == sum(steps)
    model.train_on_batch(x[:3], y[:3])
    assert int(model.num_steps) == sum(steps) + 1


class Counting(zoo.RegularizedModel):
    """Logs something of its own."""

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return {**super().compute_metrics(x, y, y_pred, sample_weight), "examples": keras.ops.shape(x)[0]}


def test_logs_of_a_model_of_ones_own_are_kept():
    keras.utils.set_random_seed(0)
    model = Counting(network(), zoo.AdversarialTraining(0.1), seed=0)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    seen = []
    watch = keras.callbacks.LambdaCallback()
    watch.needs_every_step = False
    watch.on_train_batch_end = lambda batch, logs: seen.append(int(logs["examples"]))
    model.fit(np.zeros((20, 4, 4, 1), "float32"), np.arange(20) % 3, batch_size=2, verbose=0, callbacks=[watch])
    assert seen == [2]


def test_explicit_options_stand(trained):
    model = trained([None], jit_compile=False, steps_per_execution=3)
    assert model.steps_per_execution == 3 and not model.jit_compile


@pytest.mark.parametrize("steps", ["auto", 3])
def test_the_choice_survives_saving(trained, steps, tmp_path):
    trained([None], steps_per_execution=steps).save(tmp_path / "model.keras")
    assert keras.models.load_model(tmp_path / "model.keras").chosen["steps_per_execution"] == steps
