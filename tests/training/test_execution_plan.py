"""The execution plan for every circumstance, and `fit` follows it."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import layers

import zoo
from tests.support.small_models import Watching, image_network
from zoo.training import train_function
from zoo.training.circumstances import Circumstances
from zoo.training.execution_plan import (
    MOST_BYTES,
    STEPS_AT_A_TIME,
    ExecutionPlan,
    plan_execution,
)

BACKENDS = ("tensorflow", "jax")
TEN, ONE = STEPS_AT_A_TIME, 1


def plan(backend, **seen):
    return plan_execution(Circumstances(backend, **{"steps_per_epoch": 50, "batch_bytes": 1, **seen}))


@pytest.mark.parametrize(
    ("seen", "jit", "steps", "one_program"),
    [
        ({}, (True, True), (TEN, TEN), (True, True)),
        ({"convolves": True}, (False, True), (TEN, ONE), (False, False)),
        ({"draws": True}, (False, True), (TEN, TEN), (False, True)),
        ({"convolves": True, "draws": True, "accelerator": True}, (True, True), (TEN, TEN), (True, True)),
        ({"compilable": False}, (False, False), (TEN, TEN), (False, False)),
        ({"double": True}, (False, True), (TEN, TEN), (False, True)),
        ({"deterministic": True}, (False, True), (TEN, TEN), (False, True)),
        ({"shared": True}, (False, True), (ONE, ONE), (False, False)),
        ({"built": False}, (False, True), (TEN, ONE), (False, False)),
        ({"steps_per_epoch": None}, (True, True), (TEN, ONE), (False, False)),
        ({"steps_per_epoch": 25}, (True, True), (TEN, ONE), (False, False)),
        ({"batch_bytes": MOST_BYTES // 10 + 1}, (True, True), (TEN, ONE), (False, False)),
        ({"batch_bytes": MOST_BYTES // 10}, (True, True), (TEN, TEN), (True, True)),
        ({"counted": True}, (True, True), (ONE, ONE), (False, False)),
        ({"watched": True}, (True, True), (ONE, ONE), (False, False)),
        ({"alternates": True}, (True, True), (ONE, ONE), (False, False)),
    ],
)
def test_plan(seen, jit, steps, one_program):
    """The first of each pair is for TensorFlow, the second for JAX."""
    for backend, *expected in zip(BACKENDS, jit, steps, one_program, strict=True):
        assert plan(backend, **seen) == ExecutionPlan(*expected, data_on_device=False), backend


def test_what_compile_was_told_is_kept():
    seen = Circumstances("jax", steps_per_epoch=12)
    assert plan_execution(seen, jit_compile=False, steps_per_execution=3) == ExecutionPlan(False, 3)
    assert plan_execution(seen, jit_compile=True, steps_per_execution=3) == ExecutionPlan(True, 3, one_program=True)
    assert plan_execution(seen._replace(convolves=True), True, 3) == ExecutionPlan(True, 3)


@pytest.mark.parametrize(
    ("memory", "shared", "expected"),
    [(0, False, False), (4800, False, True), (4796, False, False), (4800, True, False)],
)
def test_data_is_kept_on_an_accelerator_that_has_the_room(memory, shared, expected):
    seen = {"data_bytes": 1200, "memory_bytes": memory, "shared": shared}
    assert plan("jax", **seen).data_on_device is expected
    assert not plan("tensorflow", **seen).data_on_device


def test_a_plan_is_frozen_and_says_what_it_is():
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan("jax").jit_compile = False
    assert "steps_per_execution=10" in str(plan("jax"))


# Smoothness draws random numbers, and compiles faster than a penalty with derivatives of second order.
PENALTY, SECOND_ORDER = zoo.Smoothness(0.5), zoo.VirtualAdversarialTraining(1.0)


@pytest.fixture
def trained():
    x, y = np.random.default_rng(0).normal(size=(26, 4, 4, 1)).astype("float32"), np.arange(26) % 3

    def train(fits, **options):
        keras.utils.set_random_seed(0)
        model = zoo.RegularizedModel(image_network(), PENALTY, seed=0)
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), **options)
        for callbacks in fits:
            model.fit(x, y, batch_size=2, shuffle=False, verbose=0, callbacks=callbacks)
        return model

    return train


def test_every_choice_gives_the_same_weights(trained):
    """Thirteen steps run as ten and three. An epoch with a watching callback follows, and one without."""
    watching = Watching()
    expected = trained([None] * 3, jit_compile=False, steps_per_execution=1).get_weights()
    for a, b in zip(expected, trained([None, [watching], None]).get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert watching.seen == list(range(13))


class Content(Watching):
    needs_every_step = False


@pytest.mark.parametrize(
    ("num_examples", "chosen", "ends", "programs", "penalty"),
    [
        (20, "auto", [9], 1, SECOND_ORDER),
        (24, 4, [3, 7, 11], 1, PENALTY),
        (27, 4, [3, 7, 11, 15], 0, PENALTY),  # one more full batch and a smaller one
    ],
)
def test_steps_at_a_time_are_those_one_by_one(num_examples, chosen, ends, programs, penalty, monkeypatch):
    made, make = [], train_function.backend_step._one_program
    monkeypatch.setattr(train_function.backend_step, "_one_program", lambda *args: made.append(1) or make(*args))
    x, y = np.random.default_rng(0).normal(size=(num_examples, 4, 4, 1)).astype("float32"), np.arange(num_examples) % 3
    models, histories = [], []
    for steps in (1, chosen):
        keras.utils.set_random_seed(0)
        hidden = layers.Dense(4), layers.BatchNormalization()
        model = zoo.RegularizedModel(image_network(*hidden), penalty, seed=0)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, metrics=["accuracy"], steps_per_execution=steps)
        content = Content()
        fitted = model.fit(x, y, 2, 2, 0, [content], shuffle=False)
        models.append(model)
        histories.append(fitted.history)
    assert content.seen == 2 * ends and len(made) == programs
    assert int(models[1].iterations) == 2 * -(-num_examples // 2)
    for a, b in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    for name, values in histories[0].items():
        np.testing.assert_allclose(values, histories[1][name], rtol=1e-4, atol=1e-6)


def test_a_model_takes_data_of_another_size_and_single_batches_after_a_program(trained):
    model = trained([])
    x, y = np.random.default_rng(0).normal(size=(20, 4, 4, 1)).astype("float32"), np.arange(20) % 3
    steps = [10, 7, 1, 10]
    model.fit(x, y, batch_size=2, verbose=0)
    assert model.execution_plan.one_program
    model.fit(x[:13], y[:13], batch_size=2, verbose=0)
    assert not model.execution_plan.one_program
    model.train_on_batch(x[:3], y[:3])
    model.fit(x, y, batch_size=2, verbose=0)
    assert int(model.iterations) == sum(steps)
    model.train_on_batch(x[:3], y[:3])
    assert int(model.iterations) == sum(steps) + 1


class Counting(zoo.RegularizedModel):
    """Logs a value that Keras does not log."""

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return {**super().compute_metrics(x, y, y_pred, sample_weight), "examples": keras.ops.shape(x)[0]}


def test_logs_of_a_model_of_ones_own_are_kept():
    keras.utils.set_random_seed(0)
    model = Counting(image_network(), zoo.AdversarialTraining(0.1), seed=0)
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
    trained([None], jit_compile=False, steps_per_execution=steps).save(tmp_path / "model.keras")
    assert keras.models.load_model(tmp_path / "model.keras").compile_request["steps_per_execution"] == steps
