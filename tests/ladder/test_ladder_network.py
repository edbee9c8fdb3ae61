"""Ladder networks in `fit`, in the other methods of Keras, and in limiting cases."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests.ladder.conftest import CONV, DENSE, NUM_LABELED
from zoo.datasets import SemiSupervised
from zoo.ladder import AdversarialNoise, LadderNetwork, ladder_encoder
from zoo.ladder.encoder import encode

EAGER = keras.backend.backend() == "tensorflow"


def numbers(tensor):
    return ops.convert_to_numpy(tensor)


def compiled(model, **options):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, run_eagerly=EAGER, **options)
    return model


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(24, 6)).astype("float32")
    return x, (np.arange(24) % 3).astype("int32"), rng.normal(size=(30, 6)).astype("float32")


@pytest.mark.parametrize("rungs, shape", [(DENSE, (6,)), (CONV, (4, 4, 2))], ids=["dense", "conv"])
@pytest.mark.parametrize("combinators", ["gauss", "linear", "identity", "mlp"])
def test_fits_and_reports_the_cost_of_every_level(make, rungs, shape, combinators):
    model = compiled(make(rungs, shape, "float32", combinators=combinators), metrics=["accuracy"])
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, *shape)).astype("float32"), (np.arange(12) % 3).astype("int32")
    batches = SemiSupervised(x, y, x, batch_size=6, unlabeled_batch_size=6)
    before = [numbers(v) for v in model.trainable_variables]
    history = model.fit(batches, epochs=2, verbose=0).history
    assert set(history) == {"loss", "accuracy", *(f"denoising_{level}" for level in range(len(rungs) + 1))}
    assert all(np.isfinite(values).all() for values in history.values())
    moved = [np.any(numbers(v) != old) for v, old in zip(model.trainable_variables, before, strict=True)]
    assert all(moved)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("combinators", ["gauss", "mlp"])
def test_half_precision_costs_are_those_of_single_precision(make, data, policy, combinators):
    x, y, unlabeled = data
    logs = []
    for each in ("float32", policy):
        keras.mixed_precision.set_dtype_policy(each)
        model = compiled(make(dtype=None, denoising_weights=[1.0] * 4, noise_std=0.0, combinators=combinators))
        logs.append(model.train_on_batch({"labeled": x, "unlabeled": unlabeled}, y, return_dict=True))
    assert logs[1] == pytest.approx(logs[0], rel=0.03)


def test_reported_costs_and_cross_entropy_add_up_to_the_loss(make, data):
    weights = [3.0, 2.0, 1.0, 0.5]
    model = compiled(make(dtype="float32", denoising_weights=weights))
    x, y, unlabeled = data
    logs = model.train_on_batch({"labeled": x, "unlabeled": unlabeled}, y, return_dict=True)
    alone = compiled(make(dtype="float32", denoising_weights=[1e-30, 0, 0, 0]))
    supervised = alone.train_on_batch({"labeled": x, "unlabeled": unlabeled}, y, return_dict=True)["loss"]
    costs = sum(weight * logs[f"denoising_{level}"] for level, weight in enumerate(weights))
    np.testing.assert_allclose(logs["loss"], supervised + costs, rtol=1e-5)


def test_without_costs_and_noise_it_is_the_plain_classifier(make, data):
    x, y, _ = data
    ladder = compiled(make(dtype="float32", denoising_weights=[0.0] * 4, noise_std=0.0))
    plain = make(dtype="float32").network
    plain.set_weights(ladder.network.get_weights())
    plain = compiled(zoo.RegularizedModel(plain))
    for model in (ladder, plain):
        model.fit(x, y, batch_size=12, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(ladder.network.get_weights(), plain.network.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_gamma_with_the_identity_is_the_smoothness_penalty(make, batch, cost):
    """One loss: cross-entropy at the noisy input plus `λ/k·mean ‖z − z̃‖²` of the function from the input to z^L."""
    model = make(denoising_weights=[0, 0, 0, 2.0], combinators="identity")
    x, y, noise = batch(model)
    noise = [noise[0], *(np.zeros_like(each) for each in noise[1:])]

    def top(inputs, num_first=None):
        encoding = encode(model.rungs, ops.convert_to_tensor(inputs), num_first)
        return numbers(encoding.z[-1]), encoding.logits

    clean, _ = top(x[NUM_LABELED:])
    noisy, logits = top(x + noise[0], NUM_LABELED)
    penalty = np.mean(np.sum((clean - noisy[NUM_LABELED:]) ** 2, axis=-1))
    losses = keras.losses.sparse_categorical_crossentropy(y, logits[:NUM_LABELED], from_logits=True)
    expected = np.mean(numbers(losses)) + 2.0 / clean.shape[-1] * penalty
    np.testing.assert_allclose(cost(model, x, y, noise), expected, rtol=1e-6)


def test_moving_averages_are_of_the_clean_unlabeled_rows(make, batch, cost):
    model = make()
    x, y, noise = batch(model)
    moments = encode(model.rungs, ops.convert_to_tensor(x[NUM_LABELED:])).moments
    cost(model, x, y, noise)
    for rung, (mean, variance) in zip(model.rungs, moments, strict=True):
        np.testing.assert_allclose(rung.normalization.moving_mean, 0.01 * numbers(mean), rtol=1e-6)
        np.testing.assert_allclose(rung.normalization.moving_variance, 0.99 + 0.01 * numbers(variance), rtol=1e-6)


def test_predictions_do_not_depend_on_the_rest_of_the_batch(make, data):
    x, y, unlabeled = data
    model = compiled(make(dtype="float32"))
    model.fit(SemiSupervised(x, y, unlabeled, batch_size=12, unlabeled_batch_size=15), verbose=0)
    together = model.predict(x, verbose=0)
    alone = np.concatenate([model.predict(x[i : i + 1], verbose=0) for i in range(4)])
    np.testing.assert_allclose(together[:4], alone, rtol=1e-5, atol=1e-6)


def test_plain_pairs_are_labeled_and_unlabeled_both(make, data):
    x, y, _ = data
    one, two = (compiled(make(dtype="float32", noise_std=0.0)) for _ in range(2))
    one.train_on_batch(x, y)
    two.train_on_batch({"labeled": x, "unlabeled": x}, y)
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_saved_and_loaded_it_trains_on_alike(make, data, tmp_path):
    x, y, unlabeled = data
    noise = AdversarialNoise([0.1, 0.2, 0.0, 0.1], 0.3, direction="kl")
    model = compiled(make(dtype="float32", adversarial_noise=noise, combinators=["mlp", "linear", "gauss", "gauss"]))
    inputs = {"labeled": x, "unlabeled": unlabeled}
    model.train_on_batch(inputs, y)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for name in ("denoising_weights", "combinators", "noise_std", "adversarial_noise", "seed"):
        assert loaded.get_config()[name] == model.get_config()[name]
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    for own, other in zip(model.variables, loaded.variables, strict=True):
        other.assign(numbers(own))  # Keras does not save random state
    for each in (model, loaded):
        each.train_on_batch(inputs, y)
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_the_exported_classifier_is_the_clean_path(make, data, tmp_path):
    x, _, _ = data
    model = make(dtype="float32")
    classifier = model.classifier()
    np.testing.assert_array_equal(classifier.predict(x, verbose=0), model.predict(x, verbose=0))
    assert len(classifier.network.trainable_weights) < len(model.trainable_weights)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        zoo.export(classifier, tmp_path / "model")
        loaded = tf.saved_model.load(str(tmp_path / "model"))
        exported = loaded.logits(x)
        np.testing.assert_allclose(exported, model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(zoo.load(tmp_path / "model").predict(x, verbose=0), exported, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"denoising_weights": [1.0, 1.0]}, "denoising_weights must be a list of 4 entries.*received \\[1.0, 1.0\\]"),
        ({"denoising_weights": [1.0, -1.0, 0, 0]}, "denoising_weights must be at least 0, received -1.0"),
        ({"combinators": ["gauss"] * 3}, "combinators must be a list of 4"),
        ({"combinators": "gaus"}, "Did you mean 'gauss'"),
        ({"combinators": [None] * 4}, r"denoising_weights\[0\] is 1.0 and combinators\[0\] is None"),
        ({"noise_std": [0.3] * 5}, "noise_std must be a list of 4"),
        ({"adversarial_noise": AdversarialNoise([0.1])}, "labeled_epsilon must be a list of 4"),
        ({"adversarial_noise": AdversarialNoise(-0.1)}, "labeled_epsilon must be at least 0, received -0.1"),
    ],
)
def test_bad_settings(options, message):
    encoder = ladder_encoder((6,), 3, rungs=DENSE)
    with pytest.raises(ValueError, match=message):
        LadderNetwork(encoder, **{"denoising_weights": [1.0] * 4, **options})


def test_other_networks_losses_and_sets_are_refused(make, data):
    x, y, unlabeled = data
    with pytest.raises(TypeError, match="encoder made by ladder_encoder"):
        LadderNetwork(zoo.networks.mlp((6,), 3, hidden_units=(4,)), denoising_weights=[1.0])
    with pytest.raises(TypeError, match="must be an AdversarialNoise or None, received 0.1"):
        LadderNetwork(make().network, denoising_weights=[1.0] * 4, adversarial_noise=0.1)
    model = make(dtype="float32")
    with pytest.raises(ValueError, match="received 10 unlabeled and 24 labeled"):
        model.fit(SemiSupervised(x, y, unlabeled[:10], batch_size=6, unlabeled_batch_size=10))
    named = SemiSupervised({"a": x}, y, {"a": unlabeled[:10]}, batch_size=6, unlabeled_batch_size=10)
    with pytest.raises(ValueError, match="received 10 unlabeled and 24 labeled"):
        model.fit(named)
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    with pytest.raises(ValueError, match="categorical cross-entropy of logits"):
        model.fit(x, y, verbose=0)


def test_a_batch_of_one_row_has_no_spread_to_denoise(make, data):
    """25 examples in batches of 24 end with a batch of one, where every σ above the input is 0."""
    x, y, _ = data
    model = compiled(make(DENSE, (6,), "float32"))
    model.train_on_batch(x[:1], y[:1])
    costs = [float(metric.result()) for metric in model.penalty_metrics]
    assert costs[0] > 0 and costs[1:] == [0.0] * (len(costs) - 1)
    assert np.isfinite(model.evaluate(x, y, verbose=0)) and model.evaluate(x, y, verbose=0) < 100


def test_a_unit_without_spread_alone_costs_nothing(make):
    model, rng = make(DENSE, (6,), "float64"), np.random.default_rng(0)
    units = model.level_shapes[1]
    z, estimate = (rng.normal(size=(5, *units)) for _ in range(2))
    mean, variance = rng.normal(size=units), rng.uniform(1, 2, size=units)
    variance[0] = 0.0
    squares = np.square(z - (estimate - mean) / np.sqrt(variance + 1e-10))
    squares[:, 0] = 0.0
    found = model.decoder.cost(1, z, estimate, (ops.convert_to_tensor(mean), ops.convert_to_tensor(variance)))
    np.testing.assert_allclose(numbers(found), squares.mean(), rtol=1e-6)


@pytest.mark.parametrize("statistics_of", ["unlabeled", "labeled"])
@pytest.mark.parametrize("noise", [None, AdversarialNoise(0.1)], ids=["gaussian", "adversarial"])
def test_moving_averages_follow_the_chosen_rows(make, batch, cost, statistics_of, noise):
    model = make(statistics_of=statistics_of, adversarial_noise=noise)
    x, y, draws = batch(model)
    before = cost(model, x, y, draws)
    hidden = x @ numbers(model.rungs[0].projection.kernel)
    hidden = hidden[:NUM_LABELED] if statistics_of == "labeled" else hidden[NUM_LABELED:]
    normalization = model.rungs[0].normalization
    np.testing.assert_allclose(numbers(normalization.moving_mean), 0.01 * hidden.mean(axis=0), rtol=1e-6)
    variance = hidden.var(axis=0, ddof=1 if statistics_of == "labeled" else 0)
    np.testing.assert_allclose(numbers(normalization.moving_variance), 0.99 + 0.01 * variance, rtol=1e-6)
    assert before == cost(make(adversarial_noise=noise), x, y, draws)  # the cost does not depend on them
    assert LadderNetwork.from_config(model.get_config()).statistics_of == statistics_of


def test_unknown_rows_are_named(make):
    with pytest.raises(ValueError, match="Unknown statistics_of 'label'. Did you mean 'labeled'"):
        make(statistics_of="label")
