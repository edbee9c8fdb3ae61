"""Mean predictions in float64, and dropout's weight-scaling rule as a geometric mean."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers, ops
from scipy.special import log_softmax, softmax

from zoo.networks import CombinedLogits, conv_small, ensemble, mlp

X = np.random.default_rng(0).normal(size=(7, 4)).astype("float32")


def logits_of(model, x=X):
    return ops.convert_to_numpy(model(x)).astype("float64")


def probabilities(model, x=X):
    return softmax(logits_of(model, x), axis=-1)


def members(number=3):
    """Networks with equal names and unequal weights."""
    return [mlp((4,), 5, hidden_units=(6,), batch_normalization=False) for _ in range(number)]


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def test_arithmetic_mean():
    nets = members()
    expected = np.mean([probabilities(net) for net in nets], 0)
    np.testing.assert_allclose(np.exp(logits_of(ensemble(nets))), expected, atol=1e-6)


def test_geometric_mean():
    nets = members()
    product = np.prod([probabilities(net) for net in nets], 0) ** (1 / 3)
    expected = product / product.sum(1, keepdims=True)
    combined = ensemble(nets, "geometric")
    np.testing.assert_allclose(np.exp(logits_of(combined)), expected, atol=1e-6)
    assert np.abs(probabilities(ensemble(nets)) - expected).max() > 1e-4  # the two means differ


@pytest.mark.parametrize("mean", ["arithmetic", "geometric"])
def test_ensemble_of_one_or_of_equals_is_the_member(mean):
    (net,) = members(1)
    for nets in ([net], [net, net, net]):
        np.testing.assert_allclose(probabilities(ensemble(nets, mean)), probabilities(net), atol=1e-6)


@pytest.mark.parametrize("mean", ["arithmetic", "geometric"])
def test_large_logits_are_stable(mean):
    logits = np.array([[[1000.0, 0.0, -1000.0]], [[990.0, 1000.0, -500.0]]])
    log_p = log_softmax(logits, axis=-1)
    expected = {
        "arithmetic": np.logaddexp(log_p[0], log_p[1]) - np.log(2),
        "geometric": log_softmax(log_p.mean(0), axis=-1),
    }[mean]
    combined = CombinedLogits(mean)([ops.convert_to_tensor(h, "float32") for h in logits])
    np.testing.assert_allclose(ops.convert_to_numpy(combined), expected, rtol=1e-6, atol=1e-4)


def masked_copies(net, num_inputs, rate):
    """One network for every dropout mask of the inputs, with the mask's scaling by 1/(1 − rate)."""
    for mask in itertools.product([0.0, 1.0], repeat=num_inputs):
        inputs = keras.Input((num_inputs,))
        scaled = layers.Rescaling(np.array(mask) / (1 - rate))(inputs)
        yield keras.Model(inputs, net.layers[-1](scaled), name="masked")


def test_weight_scaling_rule_is_the_geometric_mean_over_all_masks():
    """Exact for a linear softmax classifier at rate 1/2: the network without dropout predicts that mean."""
    net = mlp((4,), 5, hidden_units=(), input_dropout=0.5)
    copies = list(masked_copies(net, 4, 0.5))
    assert len(copies) == 2**4
    np.testing.assert_allclose(probabilities(ensemble(copies, "geometric")), probabilities(net), atol=1e-6)
    # The arithmetic mean is another prediction.
    assert np.abs(probabilities(ensemble(copies)) - probabilities(net)).max() > 1e-3


def test_members_share_their_weights():
    nets = members()
    combined = ensemble(nets)
    before = logits_of(combined)
    nets[0].weights[-1].assign([3.0, 0.0, 0.0, 0.0, 0.0])
    assert np.abs(logits_of(combined) - before).max() > 0.1
    assert combined.count_params() == sum(net.count_params() for net in nets)
    assert [net.name for net in nets] == ["mlp"] * 3


@pytest.mark.parametrize("mean", ["arithmetic", "geometric"])
def test_save_and_load(tmp_path, mean):
    combined = ensemble(members(), mean)
    combined.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(logits_of(loaded), logits_of(combined), atol=1e-6)
    assert loaded.layers[-1].mean == mean


def test_images_and_integers():
    nets = [conv_small((12, 12, 1), 3) for _ in range(2)]
    x = np.random.default_rng(1).integers(0, 256, (2, 12, 12, 1)).astype("uint8")
    np.testing.assert_allclose(probabilities(ensemble(nets), x).sum(1), 1, atol=1e-6)


class Subclassed(keras.Model):
    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ensemble([]), "at least one, received"),
        (lambda: ensemble([Subclassed()]), "functional Keras models"),
        (lambda: ensemble([*members(1), mlp((4,), 6)]), r"equal input and output shapes.*\(None, 6\)"),
        (lambda: ensemble(members(1), "geometrical"), "Did you mean 'geometric'"),
    ],
)
def test_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
