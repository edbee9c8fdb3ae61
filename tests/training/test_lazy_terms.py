"""Penalties that take part in every k-th step."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from zoo.training.lazy_terms import patterns


def test_patterns():
    assert patterns([1]) == [(True,)]
    assert patterns([3]) == [(True,), (False,)]
    assert set(patterns([2, 3])) == {(True, True), (False, False), (True, False), (False, True)}
    assert patterns([2, 2]) == [(True, True), (False, False)] and patterns([2, 1]) == [(True, True), (False, True)]


def lazy(at=1, entropy=1):
    return zoo.AdversarialTraining(0.5, weight=0.7, interval=at) + zoo.EntropyMinimization(interval=entropy)


def swapping(network, model, data, steps, batch_size, at, entropy):
    """Weights after steps of plain models, each with the penalties of its step at full weight."""
    weights = network().get_weights()
    for step in range(steps):
        terms = [None, None]
        if step % at == 0:
            terms[0] = zoo.AdversarialTraining(0.5, weight=0.7 * at)
        if step % entropy == 0:
            terms[1] = zoo.EntropyMinimization(weight=1.0 * entropy)
        terms = [term for term in terms if term is not None]
        trained = model(network(), sum(terms[1:], terms[0]) if terms else None, run_eagerly=True)
        trained.network.set_weights(weights)
        rows = slice(step % 3 * batch_size, (step % 3 + 1) * batch_size)
        trained.fit(data[0][rows], data[1][rows], batch_size=batch_size, shuffle=False, verbose=0)
        weights = trained.network.get_weights()
    return weights


@pytest.mark.parametrize("at, entropy", [(2, 1), (2, 3)])
def test_each_step_has_the_penalties_of_its_turn(at, entropy, data, network, model, fit):
    expected = swapping(network, model, data, 6, 8, at, entropy)
    for run_eagerly in (False, True):
        trained = model(network(), lazy(at, entropy), run_eagerly=run_eagerly)
        for _ in range(2):  # the second call of fit continues the count
            fit(trained, *data)
        for a, b in zip(trained.network.get_weights(), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_train_on_batch_counts_too(data, network, model):
    trained = model(network(), lazy(2, 3))
    for step in range(4):
        rows = slice(step % 3 * 8, (step % 3 + 1) * 8)
        trained.train_on_batch(data[0][rows], data[1][rows])
    for a, b in zip(trained.network.get_weights(), swapping(network, model, data, 4, 8, 2, 3), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_a_restored_model_keeps_the_count(data, network, model, fit, quick, tmp_path):
    whole, first, second = (model(network(), lazy(2, 2), **quick) for _ in range(3))
    x, y = data
    fit(whole, x, y)  # three steps
    fit(whole, x, y)
    fit(first, x, y)
    first.save_weights(tmp_path / "half.weights.h5")
    second.build(x.shape)
    second.load_weights(tmp_path / "half.weights.h5")
    fit(second, x, y)
    for a, b in zip(whole.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_the_metric_is_the_mean_over_the_steps_that_had_it(data, network, model, fit):
    every, other = (model(network(), lazy(at, 1), optimizer=keras.optimizers.SGD(0.0)) for at in (1, 4))
    x, y = (np.tile(array[:8], (3,) + (1,) * (array.ndim - 1)) for array in data)
    np.testing.assert_allclose(fit(other, x, y)["at"], fit(every, x, y)["at"], rtol=1e-5)
    assert int(ops.convert_to_numpy(other.iterations.value)) == 3


def test_several_steps_at_a_time_are_refused(data, network, model, fit):
    trained = model(network(), lazy(2), steps_per_execution=3)
    with pytest.raises(ValueError, match=r"steps_per_execution=3 and intervals \[2, 1\]"):
        fit(trained, *data)


def test_interval_is_checked():
    with pytest.raises(ValueError, match="interval.*received 0"):
        zoo.AdversarialTraining(0.5, interval=0)
