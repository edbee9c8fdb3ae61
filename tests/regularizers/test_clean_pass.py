"""The pass over other inputs and under other weights, and weighted means."""

import numpy as np
import pytest
from keras import ops

import zoo
from tests.support.perceptron import cross_entropy_of

RNG = np.random.default_rng(4)
X, Y = RNG.normal(size=(6, 5)), np.array([0, 2, 1, 1])


def values(tensor):
    return ops.convert_to_numpy(tensor)


def test_the_pass_over_other_inputs_has_their_derivatives(clean_pass, perceptron, softmax):
    mlp, moved = perceptron(), X[:4] + 0.3
    there = clean_pass(mlp.tensors, X, cross_entropy_of(np.eye(3)[Y]), num_labeled=4).linearized_at(
        ops.convert_to_tensor(moved)
    )
    np.testing.assert_allclose(values(there.logits), mlp(moved), rtol=1e-9)
    errors = softmax(mlp(moved)) - np.eye(3)[Y]
    np.testing.assert_allclose(
        values(there.loss_gradient), np.einsum("nkd,nk->nd", mlp.jacobian(moved), errors), rtol=1e-9
    )
    squares = there.gradient_of(lambda logits: ops.sum(ops.square(logits), axis=-1))
    np.testing.assert_allclose(values(squares), np.einsum("nkd,nk->nd", mlp.jacobian(moved), 2 * mlp(moved)), rtol=1e-9)


def test_the_pass_over_other_inputs_is_constant_in_the_weights(network, gradients, model):
    class Moved(zoo.regularizers.Regularizer):
        def per_example(self, clean_pass):
            return 1e3 * ops.sum(ops.square(clean_pass.linearized_at(clean_pass.inputs).logits), axis=-1)

    data = RNG.normal(size=(6, 6)).astype("float32"), np.arange(6, dtype="int32") % 3
    (_, plain), (_, moved) = (gradients(model(network(), regularizer), *data) for regularizer in (None, Moved()))
    for a, b in zip(plain, moved, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_mean(clean_pass, linear):
    sample_weight = np.array([3.0, 0.0])
    each = np.arange(1.0, 7.0)
    plain = clean_pass(linear(np.eye(5)), X, num_labeled=2)
    weighted = clean_pass(linear(np.eye(5)), X, num_labeled=2, sample_weight=ops.convert_to_tensor(sample_weight))
    for count in (2, 6):
        part = ops.convert_to_tensor(each[:count])
        np.testing.assert_allclose(values(plain.mean(part)), each[:count].mean(), rtol=1e-6)
        weights = np.concatenate([sample_weight, np.ones(count - 2)])
        np.testing.assert_allclose(values(weighted.mean(part)), np.mean(weights * each[:count]), rtol=1e-6)


def test_targets_need_labels():
    unlabeled = zoo.regularizers.CleanPass(
        forward=lambda x: x,
        inputs=np.zeros((2, 3)),
        logits=np.zeros((2, 3)),
        losses=lambda logits: logits,
        num_labeled=0,
    )
    with pytest.raises(ValueError, match="The penalty needs labels, and this pass has none"):
        unlabeled.targets  # noqa: B018
