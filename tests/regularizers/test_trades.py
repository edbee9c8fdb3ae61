"""TRADES against float64 differences, against VAT, and the bounds of its perturbation."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.regularizers import AdversarialTraining, Trades, VirtualAdversarialTraining, categorical_kl
from zoo.regularizers.math import per_example

RNG = np.random.default_rng(6)
X = RNG.normal(size=(6, 5))
NORMS = {"linf": np.inf, "l2": 2}


def values(tensor):
    return ops.convert_to_numpy(tensor)


def kl(p, q):
    return np.sum(p * np.log(p / q), axis=-1)


@pytest.mark.parametrize("norm", NORMS)
def test_value_and_gradient_through_both_predictions(norm, clean_pass, perceptron, gradient, difference, softmax):
    mlp, method = perceptron(), Trades(0.5, norm=norm, num_steps=4)

    def at(w=None):
        return clean_pass(lambda x: mlp.tensors(x, w), X)

    worst = values(method.perturbed_inputs(at()))

    def reference(w, target_w):
        return np.mean(kl(softmax(mlp(X, target_w)), softmax(mlp(worst, w))))

    np.testing.assert_allclose(values(method.penalty(at())), reference(mlp.w, mlp.w), rtol=1e-6)
    actual = gradient(lambda w: method.penalty(at(w)), mlp.w)
    np.testing.assert_allclose(actual, difference(lambda w: reference(w, w), mlp.w), rtol=1e-4, atol=1e-6)
    # With a constant target p(x), as in VAT, the gradient differs.
    assert not np.allclose(actual, difference(lambda w: reference(w, mlp.w), mlp.w), rtol=1e-2)


def test_one_step_in_l2_has_the_value_of_vat(clean_pass, perceptron, gradient):
    mlp = perceptron()
    trades, vat = Trades(0.3, norm="l2", num_steps=1), VirtualAdversarialTraining(0.3)
    values_of, slopes = zip(
        *(
            (
                values(method.per_example(clean_pass(mlp.tensors, X))),
                gradient(lambda w, m=method: m.penalty(clean_pass(lambda x: mlp.tensors(x, w), X)), mlp.w),
            )
            for method in (trades, vat)
        ),
        strict=True,
    )
    np.testing.assert_allclose(*values_of, rtol=1e-12)
    assert not np.allclose(*slopes, rtol=1e-2)


def test_the_first_step_is_the_limit_of_a_small_random_start(clean_pass, perceptron):
    mlp = perceptron()
    clean = clean_pass(mlp.tensors, X)
    # The direction that the pass draws first.
    drawn = per_example.random_direction(ops.convert_to_tensor(X), keras.random.SeedGenerator(0))
    moved = clean.linearized_at(X + 1e-5 * drawn)
    slope = values(moved.gradient_of(lambda logits: categorical_kl(clean.logits, logits)))
    first = Trades(0.1, norm="linf", num_steps=1).perturbed_inputs(clean)
    np.testing.assert_allclose(values(first), X + 0.1 * np.sign(slope), rtol=1e-9)


@pytest.mark.parametrize("norm", NORMS)
def test_more_steps_find_a_larger_divergence(norm, clean_pass, perceptron):
    mlp, radius = perceptron(), {"linf": 0.5, "l2": 1.0}[norm]
    found = [values(Trades(radius, norm=norm, num_steps=k).penalty(clean_pass(mlp.tensors, X))) for k in (1, 10, 40)]
    assert found == sorted(found) and found[-1] > 1.02 * found[0]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("step_size", [None, 5.0])
def test_the_ball_and_the_range_are_never_left(norm, step_size, clean_pass, perceptron):
    x, mlp = np.clip(X, -1, 1), perceptron()
    for num_steps in (1, 7):
        options = {"norm": norm, "num_steps": num_steps, "step_size": step_size}
        free = values(Trades(0.4, **options).perturbed_inputs(clean_pass(mlp.tensors, x)))
        assert np.linalg.norm(free - x, NORMS[norm], axis=1).max() <= 0.4 * (1 + 1e-9)
        inside = Trades(0.4, input_range=(-1, 1), **options).perturbed_inputs(clean_pass(mlp.tensors, x))
        assert np.abs(inside).max() <= 1 < np.abs(free).max()


def test_labels_are_not_needed_and_all_rows_count(clean_pass, perceptron):
    mlp, method = perceptron(), Trades(0.5)
    each = [values(method.per_example(clean_pass(mlp.tensors, X, num_labeled=n))) for n in (0, 6)]
    np.testing.assert_array_equal(*each)
    assert each[0].shape == (6,) and np.all(each[0] > 0)
    with pytest.raises(TypeError):
        AdversarialTraining(0.5).penalty(clean_pass(mlp.tensors, X, num_labeled=0))  # its losses are None


def test_zero_epsilon_is_no_penalty(clean_pass, perceptron, gradient):
    mlp, method = perceptron(), Trades(0.0, num_steps=3)
    np.testing.assert_allclose(values(method.penalty(clean_pass(mlp.tensors, X))), 0, atol=1e-12)
    slope = gradient(lambda w: method.penalty(clean_pass(lambda x: mlp.tensors(x, w), X)), mlp.w)
    np.testing.assert_allclose(slope, 0, atol=1e-8)


def test_the_weight_of_the_paper_scales():
    assert Trades(0.1).weight == 6.0 and (0.5 * Trades(0.1)).weight == 3.0
    assert Trades(0.1, weight=1.0, interval=2).get_config()["weight"] == 1.0
