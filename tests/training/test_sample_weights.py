"""Sample and class weights act on the loss and on the penalties."""

import numpy as np
import pytest

import zoo

PENALTIES = {
    "at": zoo.AdversarialTraining(0.5),
    "vat": zoo.VirtualAdversarialTraining(1.0, num_power_iterations=0, direction="adversarial"),
    "vmt": zoo.VirtualMovementTraining("affine"),
    "entropy": zoo.EntropyMinimization(),
    "jacobian": zoo.JacobianPenalty(),
}
# Regularizers without random numbers per example. A VAT direction would depend on the place in the batch.
DETERMINISTIC = [name for name in PENALTIES if name != "vat"]


@pytest.fixture
def value(data, network, model, gradients):
    """The objective and its gradients on some rows, in units of the sum over examples."""

    def compute(regularizer, rows, weights=None):
        x, y = data
        trained = model(network(), regularizer)
        trained.build((None, 6))
        batch = (x[rows], y[rows], None if weights is None else np.asarray(weights, "float32"))
        loss, slopes = gradients(trained, *batch)
        return [len(rows) * v for v in (loss, *slopes)]

    return compute


def assert_close(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_weight_zero_is_an_absent_example(name, value):
    assert_close(value(PENALTIES[name], [0, 1, 2, 3, 4], [1, 1, 1, 1, 0]), value(PENALTIES[name], [0, 1, 2, 3]))


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_weight_two_is_a_second_copy(name, value):
    assert_close(value(PENALTIES[name], [0, 1, 2], [1, 1, 2]), value(PENALTIES[name], [0, 1, 2, 2]))


def test_weight_zero_hides_an_example_from_a_random_penalty(data, network, model, objective):
    x, y = data
    trained = model(network(), PENALTIES["vat"])
    trained.build((None, 6))
    weights = np.asarray([1, 1, 0], "float32")
    other = x[:3].copy()
    other[2] *= -5
    for given, same in ((weights, True), (None, False)):
        values = [objective(trained, inputs, y[:3], given) for inputs in (x[:3], other)]
        assert (values[0] == pytest.approx(values[1], rel=1e-5)) is same


def test_fit_takes_sample_and_class_weights(quick, data, network, model, fit, assert_same_weights):
    x, y = data
    weighted = {0: 0.5, 1: 0.0, 2: 2.0}
    by_class, by_sample = (model(network(), PENALTIES["at"] + PENALTIES["vmt"], **quick) for _ in range(2))
    fit(by_class, x, y, class_weight=weighted)
    fit(by_sample, x, y, sample_weight=np.asarray([weighted[label] for label in y], "float32"))
    assert_same_weights(by_class, by_sample, rtol=1e-5, atol=1e-6)
    unweighted = model(network(), PENALTIES["at"] + PENALTIES["vmt"], **quick)
    fit(unweighted, x, y)
    with pytest.raises(AssertionError):
        assert_same_weights(by_class, unweighted, rtol=1e-5, atol=1e-6)
