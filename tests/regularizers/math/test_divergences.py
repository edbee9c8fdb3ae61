"""Divergences against SciPy and numerical integration."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
from keras import ops

from zoo.backend.derivatives import linearize
from zoo.regularizers import bernoulli_kl, categorical_kl, entropy, gaussian_kl, squared_distance
from zoo.regularizers.math.divergences import DIVERGENCES, boosted_cross_entropy

RNG = np.random.default_rng(2)
LOGITS, OTHER = RNG.normal(size=(6, 4)) * 3, RNG.normal(size=(6, 4)) * 3


def call(function, *arrays):
    return ops.convert_to_numpy(function(*(ops.convert_to_tensor(a) for a in arrays)))


def test_categorical_kl():
    p, q = scipy.special.softmax(LOGITS, axis=-1), scipy.special.softmax(OTHER, axis=-1)
    expected = scipy.special.rel_entr(p, q).sum(axis=-1)
    np.testing.assert_allclose(call(categorical_kl, LOGITS, OTHER), expected, rtol=1e-10)
    # The divergence is not symmetric, so the order of the arguments matters.
    assert not np.allclose(call(categorical_kl, OTHER, LOGITS), expected, rtol=0.1)


def test_categorical_kl_of_extreme_logits():
    extreme = np.array([[1e4, 0, -1e4], [0, 1e4, 0]], "float32")
    flat = np.zeros((2, 3), "float32")
    np.testing.assert_allclose(call(categorical_kl, extreme, flat), np.log(3), rtol=1e-6)
    np.testing.assert_array_equal(call(categorical_kl, extreme, extreme), 0)
    np.testing.assert_allclose(call(categorical_kl, extreme[:1], extreme[1:]), 1e4, rtol=1e-6)


def test_classes_that_are_ruled_out():
    ruled_out, other = np.array([[0.3, -np.inf, 1.0]], "float32"), np.array([[1.0, -np.inf, 0.0]], "float32")
    p, q = (scipy.special.softmax(each[:, [0, 2]], axis=-1) for each in (ruled_out, other))
    expected = scipy.special.rel_entr(p, q).sum(axis=-1)
    np.testing.assert_allclose(call(categorical_kl, ruled_out, other), expected, rtol=1e-5)
    np.testing.assert_allclose(call(entropy, ruled_out), scipy.stats.entropy(p, axis=-1), rtol=1e-5)
    slope = linearize(lambda logits: (categorical_kl(ruled_out, logits), ()), ops.convert_to_tensor(other))
    found = ops.convert_to_numpy(slope.vjp(ops.ones(1)))
    np.testing.assert_allclose(found, [[q[0, 0] - p[0, 0], 0, q[0, 1] - p[0, 1]]], rtol=1e-5)


def test_an_unknown_distribution_has_no_entropy():
    with pytest.raises(ValueError, match="Unknown distribution 'bernouli'. Did you mean 'bernoulli'"):
        entropy(np.zeros((1, 2)), "bernouli")


@pytest.mark.parametrize("function, arguments", [(categorical_kl, 2), (entropy, 1)])
def test_a_single_logit_decides_nothing(function, arguments):
    with pytest.raises(ValueError, match="logits of at least 2 classes, received 1"):
        call(function, *[np.zeros((3, 1))] * arguments)


def test_bernoulli_kl():
    """Each unit is a choice of its own between 1 and 0."""
    p, q = scipy.special.expit(LOGITS), scipy.special.expit(OTHER)
    expected = np.sum(scipy.special.rel_entr(p, q) + scipy.special.rel_entr(1 - p, 1 - q), axis=-1)
    np.testing.assert_allclose(call(bernoulli_kl, LOGITS, OTHER), expected, rtol=1e-9)
    assert not np.allclose(call(bernoulli_kl, OTHER, LOGITS), expected, rtol=0.1)
    assert not np.allclose(call(categorical_kl, LOGITS, OTHER), expected, rtol=0.1)


def test_bernoulli_kl_of_one_unit_is_that_of_two_classes():
    one, other = LOGITS[:, :1], OTHER[:, :1]
    two = [np.hstack([np.zeros_like(each), each]) for each in (one, other)]
    np.testing.assert_allclose(call(bernoulli_kl, one, other), call(categorical_kl, *two), rtol=1e-9)


def test_bernoulli_kl_of_extreme_logits():
    extreme, flat = np.array([[1e4, -1e4], [np.inf, -np.inf]], "float32"), np.zeros((2, 2), "float32")
    np.testing.assert_allclose(call(bernoulli_kl, extreme, flat), 2 * np.log(2), rtol=1e-6)
    np.testing.assert_array_equal(call(bernoulli_kl, extreme, extreme), 0)


def test_bernoulli_entropy():
    p = scipy.special.expit(LOGITS)
    expected = np.sum(scipy.special.entr(p) + scipy.special.entr(1 - p), axis=-1)
    found = call(lambda logits: entropy(logits, "bernoulli"), LOGITS)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("distribution", DIVERGENCES)
def test_dense_outputs(distribution):
    logits, other = (RNG.normal(size=(2, 3, 5, 4)) for _ in range(2))
    flat = [each.reshape(-1, 4) for each in (logits, other)]
    expected = call(DIVERGENCES[distribution], *flat).reshape(2, -1).mean(axis=1)
    np.testing.assert_allclose(call(DIVERGENCES[distribution], logits, other), expected, rtol=1e-9)


def test_entropy():
    expected = scipy.stats.entropy(scipy.special.softmax(LOGITS, axis=-1), axis=-1)
    np.testing.assert_allclose(call(entropy, LOGITS), expected, rtol=1e-10)
    np.testing.assert_allclose(call(entropy, np.zeros((2, 5))), np.log(5), rtol=1e-12)
    np.testing.assert_array_equal(call(entropy, np.array([[1e4, 0.0]], "float32")), 0)


def test_squared_distance():
    np.testing.assert_allclose(call(squared_distance, LOGITS, OTHER), np.linalg.norm(LOGITS - OTHER, axis=1) ** 2)


def test_gaussian_kl_against_integration(rng):
    means, other_means = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    stds, other_stds = rng.uniform(0.5, 2, size=(3, 2)), rng.uniform(0.5, 2, size=(3, 2))
    t = np.linspace(-25, 25, 20001)[:, None, None]
    log_p, log_q = (scipy.stats.norm.logpdf(t, *m) for m in ((means, stds), (other_means, other_stds)))
    expected = np.trapezoid(np.exp(log_p) * (log_p - log_q), t, axis=0).sum(axis=-1)
    np.testing.assert_allclose(call(gaussian_kl, means, stds, other_means, other_stds), expected, rtol=1e-9)
    assert not np.allclose(call(gaussian_kl, other_means, other_stds, means, stds), expected, rtol=0.1)


def test_gaussian_kl_of_equal_spread_is_a_squared_distance():
    std = np.array([0.5])
    expected = call(squared_distance, LOGITS, OTHER) / (2 * 0.5**2)
    np.testing.assert_allclose(call(gaussian_kl, LOGITS, std, OTHER, std), expected, rtol=1e-10)


@pytest.mark.parametrize("divergence", DIVERGENCES.values())
def test_positions_that_a_mask_leaves_out(divergence):
    """They count neither in the value nor in the gradient. An example without any other has 0."""
    dense, other = LOGITS.reshape(2, 3, 4), OTHER.reshape(2, 3, 4)
    mask = np.array([[True, False, True], [False, False, False]])
    expected = call(divergence, dense[:1, ::2], other[:1, ::2])[0]
    linear = linearize(
        lambda x: (divergence(ops.convert_to_tensor(dense), x, ops.convert_to_tensor(mask)), ()),
        ops.convert_to_tensor(other),
    )
    np.testing.assert_allclose(ops.convert_to_numpy(linear.outputs), [expected, 0], rtol=1e-12)
    gradient = ops.convert_to_numpy(linear.vjp(ops.ones_like(linear.outputs)))
    assert not gradient[~mask].any() and np.all(np.any(gradient[mask], axis=-1))


def test_the_boosted_cross_entropy_of_two_classes_counts_the_label_twice():
    logits, targets = RNG.normal(size=(4, 2)), np.eye(2)[[0, 1, 1, 0]]
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(call(boosted_cross_entropy, logits, targets), -2 * np.log(p[targets == 1]), rtol=1e-6)


def test_the_boosted_cross_entropy_of_sure_networks():
    first, second = np.array([[1.0, 0.0, 0.0]]), np.array([[0.0, 1.0]])
    # −log(1 − p) of the wrong class is 80 − log 2, where 1 − p has no correct digit.
    wrong = call(boosted_cross_entropy, np.array([[0.0, 80.0, 0.0]]), first)
    np.testing.assert_allclose(wrong, [80 + 80 - np.log(2)], rtol=1e-6)
    for logit in (80.0, 5000.0, np.inf):
        right = call(boosted_cross_entropy, np.array([[-logit, 0.0]]), second)
        np.testing.assert_allclose(right, [0.0], atol=1e-9)
