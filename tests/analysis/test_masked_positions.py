"""Measures and attacks of dense outputs leave out the positions that Keras masks."""

import numpy as np
import pytest
from keras import ops

import zoo
from tests.support.tagging import COUNTS, LABELS, REAL, SIGNALS, TOKENS, double_precision, signals, tagger
from zoo import analysis
from zoo.analysis import Classifier
from zoo.analysis.errors import cross_entropies
from zoo.analysis.labels import as_labels
from zoo.analysis.logits import Prediction

eager = pytest.mark.usefixtures("eager_programs")

ROWS = [row for row, real in enumerate(REAL) if real]
MEASURES = {
    "misclassified": lambda network, x, y: analysis.misclassified(network, x, y),
    "cross_entropies": lambda network, x, y: cross_entropies(network, x, y),
    "frobenius": lambda network, x, y: analysis.squared_frobenius_norm(network, x).mean,
    "fisher": lambda network, x, y: analysis.largest_fisher_eigenvalue(network, x),
    "fisher_iterated": lambda network, x, y: analysis.largest_fisher_eigenvalue(network, x, num_power_iterations=40),
    "singular_value": lambda network, x, y: analysis.singular_values(network, x)[:, 0],
    "entropy": lambda network, x, y: analysis.penalty_values(network, x, zoo.EntropyMinimization()),
    "sign": lambda network, x, y: analysis.misclassified_under_attack(network, x, y, "sign", 0.5),
    "pgd": lambda network, x, y: analysis.misclassified_under_attack(
        network, x, y, "pgd_linf", 0.5, random_start=False, num_steps=5
    ),
}


@pytest.fixture(scope="module")
def classifier():
    double_precision()
    return Classifier(tagger("recurrent"), perturb="words")


def cut(row):
    return TOKENS[row : row + 1, : REAL[row]], LABELS[row : row + 1, : REAL[row]]


@eager
@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_padding_counts_as_if_cut_off(measure, classifier):
    found = measure(classifier, TOKENS, LABELS)
    np.testing.assert_allclose(found[1], measure(classifier, *cut(1))[0], rtol=1e-6)
    assert found[REAL == 0] == 0


@eager
@pytest.mark.parametrize(
    "measure",
    [
        lambda network: analysis.misclassified_under_attack(network, TOKENS, LABELS, "sign", 0.5, batch_size=2),
        lambda network: analysis.penalty_values(network, TOKENS, zoo.AdversarialTraining(0.1), LABELS, batch_size=2),
        lambda network: analysis.squared_frobenius_norm(network, TOKENS, batch_size=2),
    ],
    ids=["attack", "penalty", "frobenius"],
)
def test_masks_are_found_in_batches(measure, classifier, monkeypatch):
    sizes, predict = [], Classifier.predict
    monkeypatch.setattr(Classifier, "predict", lambda self, x: sizes.append(len(x)) or predict(self, x))
    measure(classifier)
    assert len(TOKENS) > 2 >= max(sizes)


def test_a_compiled_attack_leaves_out_padding(classifier):
    """What the tests around this one run eagerly on TensorFlow."""
    found = MEASURES["pgd"](classifier, TOKENS, LABELS)
    np.testing.assert_allclose(found[1], MEASURES["pgd"](classifier, *cut(1))[0], rtol=1e-6)


@eager
def test_labels_of_padding_do_not_matter(classifier):
    for filler in (0, -1, 99):
        np.testing.assert_array_equal(
            analysis.misclassified(classifier, TOKENS, np.where(COUNTS, LABELS, filler)),
            analysis.misclassified(classifier, TOKENS, LABELS),
        )
    for dtype in ("uint8", "uint16"):
        np.testing.assert_array_equal(
            analysis.misclassified(classifier, TOKENS, LABELS.astype(dtype)),
            analysis.misclassified(classifier, TOKENS, LABELS),
        )
    one_hot = np.where(COUNTS[..., None], np.eye(3)[LABELS], 0)
    np.testing.assert_array_equal(classifier.labels(TOKENS, one_hot), classifier.labels(TOKENS, LABELS))
    with pytest.raises(ValueError, match="labels must be 0 to 2, received 3"):
        analysis.misclassified(classifier, TOKENS, np.where(COUNTS, LABELS + 1, 0))
    with pytest.raises(ValueError, match=r"labels must have shape \(4, 6\)"):
        analysis.misclassified(classifier, TOKENS, LABELS[:, :4])


def test_labels_of_units():
    labels, mask = np.array([[[1, 0], [7, 7]]]), np.array([[True, False]])
    for each in (labels, labels == 1):
        found = as_labels(each, Prediction(np.zeros((1, 2, 2)), "bernoulli", mask))
        np.testing.assert_array_equal(found, [[[1, 0], [-1, -1]]])


FILLING = {
    "gaussian_noise": {},
    "pgd_linf": {"num_steps": 3},
    "pgd_l2": {"num_steps": 3},
    "apgd_linf": {"num_steps": 3},
    "square_linf": {"num_queries": 20},
}


@eager
@pytest.mark.parametrize("attack", FILLING)
def test_attacks_that_fill_padding_do_not_make_it_count(attack):
    """A layer that masks zeros lets the filled steps pass. They do not count: the errors are shares of real steps."""
    network = signals()
    found = analysis.misclassified_under_attack(network, SIGNALS, LABELS, attack, 0.3, **FILLING[attack])
    moved = np.asarray(analysis.attacks.ATTACKS[attack](network, SIGNALS, LABELS, 0.3, 0, **FILLING[attack]))
    assert np.abs(moved[~COUNTS]).max() > 0
    assert found[REAL == 0] == 0
    shares = found[ROWS] * REAL[ROWS]
    np.testing.assert_allclose(shares, np.round(shares), atol=1e-5)


def test_targets_need_one_class(classifier):
    with pytest.raises(ValueError, match="needs one class for each example"):
        analysis.misclassified_under_attack(classifier, TOKENS, LABELS, "fab_linf", 0.1)


@eager
def test_attacked_error_in_training(model, quick):
    trained = model(tagger("recurrent"), zoo.AdversarialTraining(0.1), perturb="words", **quick)
    clean = 100 * analysis.misclassified(trained, TOKENS, LABELS).mean()
    errors = []
    for epsilon in (0.0, 0.4):
        callback = analysis.AttackedError(TOKENS, LABELS, "pgd_linf", epsilon, num_steps=3)
        callback.set_model(trained)
        errors.append(callback.error_percent())
    assert errors[0] == pytest.approx(clean) and errors[1] > clean


@eager
def test_limits_of_small_perturbations(classifier, monkeypatch):
    """The iterations stop a little before the largest eigenvalue. Padding in the mean would give a third at most."""
    monkeypatch.setattr("zoo.analysis.theory.NUM_POWER_ITERATIONS", 10)
    limits = analysis.limit_ratios(classifier, TOKENS[1:2], [1e-3], num_draws=1)
    for name in ("adversarial", "vat"):
        assert 0.7 < limits[name][1].mean[0] < 1.001


@eager
def test_jacobian_is_0_at_padding(classifier):
    rows = analysis.jacobian(classifier, TOKENS)
    assert not rows[~COUNTS].any() and rows[COUNTS].any(axis=(1, 2)).all()
    assert ops.shape(rows) == (*COUNTS.shape, 3, COUNTS.shape[1] * 4)
