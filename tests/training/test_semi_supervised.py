"""Training on labeled and unlabeled inputs."""

import keras
import numpy as np
import pytest
from keras import layers

import zoo
from zoo.backend.keras_internals import is_random_state

LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
UNLABELED = np.random.default_rng(5).normal(size=(30, 6)).astype("float32")
NEED_LABELS = zoo.AdversarialTraining(0.5) + zoo.VirtualMovementTraining("shift")
NEED_NONE = {
    "vat": zoo.VirtualAdversarialTraining(1.0),
    "entropy": zoo.EntropyMinimization(),
    "smoothness": zoo.Smoothness(0.5),
    "jacobian": zoo.JacobianPenalty(),
}


def pair(x):
    """A batch of these labeled inputs and some unlabeled ones."""
    return {"labeled": x, "unlabeled": UNLABELED[:10]}


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


def test_unlabeled_inputs_move_the_weights_and_the_averages(data, network, model, fit, quick):
    x, y = data
    weights = []
    for unlabeled in (UNLABELED, UNLABELED + 1):
        trained = model(network(layers.BatchNormalization()), NEED_NONE["vat"], **quick)
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


class TestPenaltyOnUnlabeledInputs:
    """The protocol of the VAT authors' program: penalties in a pass of their own over the unlabeled inputs."""

    @pytest.fixture
    def apart(self, network, model):
        """Makes a batch-normalized network whose penalties act on unlabeled inputs alone."""

        def make(regularizer, **options):
            wrapped = zoo.RegularizedModel(
                network(layers.BatchNormalization(), **options), regularizer, penalty_inputs="unlabeled", seed=1
            )
            wrapped.compile(keras.optimizers.SGD(0.1), LOSS, jit_compile=keras.backend.backend() == "jax")
            wrapped.build((None, 6))
            return wrapped

        return make

    @pytest.mark.parametrize("name", ["entropy", "jacobian"])
    def test_penalty_is_that_of_a_batch_of_the_unlabeled_inputs(self, name, apart, data, network, model, objective):
        x, y = data
        batch = {"labeled": x[:8], "unlabeled": UNLABELED[:10]}
        total = objective(apart(NEED_NONE[name]), batch, y[:8])
        plain = model(network(layers.BatchNormalization()))
        alone = model(network(layers.BatchNormalization()), NEED_NONE[name])
        labels = np.zeros(10, "int32")
        for each in (plain, alone):
            each.build((None, 6))
        penalty = objective(alone, UNLABELED[:10], labels) - objective(plain, UNLABELED[:10], labels)
        assert total == pytest.approx(objective(plain, x[:8], y[:8]) + penalty, rel=1e-5)

    def test_averages_follow_the_labeled_inputs(self, apart, data, network, model, fit):
        x, y = data
        one, other = (apart(NEED_NONE["vat"]) for _ in range(2))
        for each, unlabeled in ((one, UNLABELED), (other, UNLABELED + 1)):
            each.optimizer.learning_rate = 0.0
            fit(each, zoo.datasets.SemiSupervised(x, y, unlabeled, batch_size=8, unlabeled_batch_size=10))
        for a, b in zip(one.network.get_weights(), other.network.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        assert one.penalty_metrics[0].result() != other.penalty_metrics[0].result()

    def test_both_passes_move_the_weights(self, apart, data, fit):
        x, y = data
        weights = []
        for unlabeled in (UNLABELED, UNLABELED + 1):
            trained = apart(NEED_NONE["vat"])
            fit(trained, zoo.datasets.SemiSupervised(x, y, unlabeled, batch_size=8, unlabeled_batch_size=10))
            weights.append(trained.network.trainable_variables[0].numpy())
        assert np.any(weights[0] != weights[1])

    def test_both_passes_draw_random_numbers(self, network, data):
        """Otherwise the labeled inputs would see the dropout masks of the last unlabeled ones."""
        x, y = data
        states = []
        for regularizer in (None, NEED_NONE["entropy"]):
            trained = zoo.RegularizedModel(
                network(layers.Dropout(0.5, seed=3)), regularizer, penalty_inputs="unlabeled"
            )
            trained.compile("sgd", LOSS)
            trained.build((None, 6))
            trained.objective(*keras.tree.map_structure(keras.ops.convert_to_tensor, (pair(x[:8]), y[:8])))
            states += [keras.ops.convert_to_numpy(v) for v in trained.network.variables if is_random_state(v)]
        assert len(states) == 2 and np.any(states[0] != states[1])

    def test_virtual_labels_take_the_place_of_labels(self, apart, data, objective):
        vmt = zoo.VirtualMovementTraining("shift", virtual_labels=True)
        x, y = data
        assert np.isfinite(objective(apart(vmt), pair(x[:8]), y[:8]))

    @pytest.mark.parametrize("term", [*NEED_LABELS.terms, zoo.WeightNoise(0.1)])
    def test_penalties_that_need_labels_are_refused(self, term, apart, data, objective):
        x, y = data
        with pytest.raises(ValueError, match='needs labels cannot act on unlabeled.*penalty_inputs="unlabeled"'):
            objective(apart(term), pair(x[:8]), y[:8])

    def test_plain_inputs_are_refused(self, apart, data, objective):
        x, y = data
        with pytest.raises(ValueError, match="needs unlabeled inputs, received labeled ones only"):
            objective(apart(NEED_NONE["vat"]), x[:8], y[:8])

    def test_the_choice_is_saved(self, apart):
        assert zoo.RegularizedModel.from_config(apart(None).get_config()).penalty_inputs == "unlabeled"
        with pytest.raises(ValueError, match="Unknown penalty_inputs 'unlabelled'. Did you mean 'unlabeled'"):
            zoo.RegularizedModel(zoo.networks.mlp((4,), 3), penalty_inputs="unlabelled")
