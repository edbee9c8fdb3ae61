"""Training on labeled and unlabeled inputs."""

import numpy as np
import pytest
from keras import layers

import zoo

UNLABELED = np.random.default_rng(5).normal(size=(30, 6)).astype("float32")
NEED_LABELS = zoo.AdversarialTraining(0.5) + zoo.VirtualMovementTraining("shift")
NEED_NONE = {
    "vat": zoo.VirtualAdversarialTraining(1.0),
    "entropy": zoo.EntropyMinimization(),
    "smoothness": zoo.Smoothness(0.5),
    "jacobian": zoo.JacobianPenalty(),
}


@pytest.fixture
def penalties(data, network, model, objective):
    """The penalties on the first 8 labeled inputs and some unlabeled ones, by name."""

    def compute(regularizer, unlabeled):
        x, y = data
        trained = model(network(), regularizer)
        trained.build((None, 6))
        results = []
        for metric, term in zip(trained.penalty_metrics, trained.regularizer.terms, strict=True):
            alone, nothing = (model(network(), given) for given in (term, None))
            batch = x[:8] if unlabeled is None else {"labeled": x[:8], "unlabeled": unlabeled}
            for each in (alone, nothing):
                each.build((None, 6))
            results.append((metric.name, objective(alone, batch, y[:8]) - objective(nothing, batch, y[:8])))
        return dict(results)

    return compute


def test_labels_bound_the_methods_that_need_them(penalties):
    without, some, others = (penalties(NEED_LABELS, unlabeled) for unlabeled in (None, UNLABELED[:5], UNLABELED[5:]))
    assert some == pytest.approx(without, rel=1e-5) == others


@pytest.mark.parametrize("name", NEED_NONE)
def test_unlabeled_inputs_enter_the_others(name, penalties):
    first, second = (penalties(NEED_NONE[name], unlabeled)[name] for unlabeled in (UNLABELED[:8], 3 * UNLABELED[8:16]))
    assert abs(first - second) > 1e-3 * abs(first)


@pytest.mark.parametrize("name", ["entropy", "jacobian"])
def test_penalty_is_the_mean_over_all_inputs(name, data, penalties):
    """With the labeled inputs as unlabeled ones the result is the labeled penalty; with half of them, in between."""
    x, _ = data
    labeled = penalties(NEED_NONE[name], None)[name]
    assert penalties(NEED_NONE[name], x[:8])[name] == pytest.approx(labeled, rel=1e-4)
    twice = (penalties(NEED_NONE[name], x[8:16])[name] + penalties(NEED_NONE[name], x[16:24])[name]) * 2 - 2 * labeled
    thrice = penalties(NEED_NONE[name], x[8:24])[name] * 3 - labeled
    assert thrice == pytest.approx(twice, rel=1e-3)


def test_vat_on_the_labeled_inputs_twice_is_vat_on_them(data, penalties):
    """After enough power iterations the random start does not matter, and each copy has the same penalty."""
    vat = zoo.VirtualAdversarialTraining(0.01, num_power_iterations=50, weight=1e4)
    assert penalties(vat, data[0][:8])["vat"] == pytest.approx(penalties(vat, None)["vat"], rel=1e-2)


def test_fit_reports_metrics_of_labeled_inputs(data, network, model, fit):
    x, y = data
    batches = zoo.datasets.SemiSupervised(x, y, UNLABELED, batch_size=8, unlabeled_batch_size=10)
    # The learning rate is 0 and the three batches have all labeled inputs, so the accuracy is that of the network.
    trained = model(network(), NEED_NONE["vat"] + NEED_LABELS, metrics=["accuracy"])
    trained.optimizer.learning_rate = 0.0
    history = fit(trained, batches, validation_data=(x, y))
    assert set(history) == {"loss", "accuracy", "vat", "at", "vmt_shift", "val_loss", "val_accuracy"}
    assert history["accuracy"] == pytest.approx(history["val_accuracy"], rel=1e-6)
    penalty = sum(history[name][0] for name in ("vat", "at", "vmt_shift"))
    assert history["loss"][0] == pytest.approx(history["val_loss"][0] + penalty, rel=1e-5)


def test_unlabeled_inputs_move_the_weights_and_the_averages(data, network, model, fit):
    x, y = data
    weights = []
    for unlabeled in (UNLABELED, UNLABELED + 1):
        trained = model(network(layers.BatchNormalization()), NEED_NONE["vat"])
        fit(trained, zoo.datasets.SemiSupervised(x, y, unlabeled, batch_size=4, unlabeled_batch_size=10))
        weights.append(trained.network.get_weights())
    assert all(np.any(a != b) for a, b in zip(*weights, strict=True))


def test_prediction_takes_labeled_inputs_from_a_pair(data, network, model):
    x, _ = data
    trained = model(network())
    both = trained({"labeled": x[:4], "unlabeled": UNLABELED})
    np.testing.assert_allclose(both, trained(x[:4]), rtol=1e-6)


def test_all_unlabeled_inputs_must_look_like_labeled_ones(data):
    x, y = data
    with pytest.raises(ValueError, match=r"x_unlabeled must be like x.*\(6,\).*received \(5,\)"):
        zoo.datasets.SemiSupervised(x, y, UNLABELED[:, :5])


def test_unlabeled_inputs_are_checked_as_labeled_ones(data, network, model):
    x, y = data
    broken = UNLABELED.copy()
    broken[3, 0] = np.nan
    trained = model(network(), NEED_NONE["vat"])
    with pytest.raises(ValueError, match="unlabeled training inputs hold 1 NaN.*in example 3"):
        trained.fit(zoo.datasets.SemiSupervised(x, y, broken, batch_size=4, unlabeled_batch_size=10), verbose=0)
