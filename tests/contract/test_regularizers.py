"""The contract of every regularizer and every network."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from zoo.recipes import network as recipe_networks
from zoo.regularizers import REGULARIZERS, build, hyperparameters

EXAMPLES = {
    "at": {"epsilon": 0.5, "norm": "linf", "num_steps": 2, "random_start": True, "input_range": [-3, 3]},
    "vat": {"epsilon": 0.5, "num_power_iterations": 2},
    "trades": {"epsilon": 0.5, "num_steps": 2},
    "mart": {"epsilon": 0.5, "num_steps": 2, "attack_mode": "prediction", "divergence_weight": 2.0},
    "awp": {"regularizer": {"trades": {"epsilon": 0.5, "num_steps": 2, "interval": 2}}, "gamma": 0.02, "interval": 1},
    "entropy": {"weight": 0.3},
    "vmt": {"field": {"name": "smooth", "num_cosines": 2}, "normalization": "example"},
    "tangent": {"field": "affine", "weight": 0.1},
    "smoothness": {"epsilon": 0.1, "direction": "adversarial", "divergence": "kl"},
    "jacobian": {"num_projections": 2, "weight": 0.1},
    "weight_noise": {"noise_std": 0.1},
    "parameter_tying": {"first": "hidden_2", "second": "hidden_3", "ramp_up_steps": 3},
    "norm_constraint": {"bound": 1.0, "rate": 0.01},
}
# TensorFlow traces a training step in seconds and runs it in milliseconds. JAX is slow without compilation.
EAGER = keras.backend.backend() == "tensorflow"
NETWORKS = {"mlp": {"hidden_units": (6, 6, 6), "dropout": 0.2}, "conv": {}, "conv_small": {}, "conv_large": {}}
NETWORKS["ladder_encoder"] = {"rungs": [{"name": "dense", "units": 6}, {"name": "dense", "units": 3}]}


def data(shape=(5, 4, 2), num_examples=24):
    rng = np.random.default_rng(0)
    return rng.normal(size=(num_examples, *shape)).astype("float32"), (np.arange(num_examples) % 3).astype("int32")


def trained(regularizer, name="mlp", shape=(5, 4, 2), run_eagerly=EAGER):
    keras.utils.set_random_seed(1)
    network = recipe_networks.network_by_name(name, shape, 3, **NETWORKS[name])
    model = zoo.RegularizedModel(network, regularizer, seed=1)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"], run_eagerly=run_eagerly)
    history = model.fit(*data(shape), batch_size=12, shuffle=False, verbose=0).history
    return model, history


def assert_same_weights(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_every_method_has_an_example():
    assert set(EXAMPLES) == set(REGULARIZERS)


@pytest.mark.parametrize("method", REGULARIZERS)
def test_hyperparameters_are_attributes_and_survive_serialization(method):
    regularizer = build({method: EXAMPLES[method]})
    for name in hyperparameters(type(regularizer)):
        assert hasattr(regularizer, name)
    restored = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(regularizer))
    assert type(restored) is type(regularizer) and restored.get_config() == regularizer.get_config()


@pytest.fixture(scope="module")
def plain_weights():
    return trained(None)[0].network.get_weights()


@pytest.fixture(scope="module", params=REGULARIZERS)
def example(request):
    """A method's example and a model that was trained with it; the weights and the history of then."""
    settings = {request.param: EXAMPLES[request.param]}
    model, history = trained(build(settings))
    return settings, model, model.get_weights(), history


def test_trains_reports_and_repeats(example, plain_weights):
    settings, model, weights, history = example
    assert np.isfinite(history["loss"]).all()
    assert np.isfinite(history[model.regularizer.metric_name]).all()
    again, _ = trained(build(settings))
    assert any(np.any(a != b) for a, b in zip(again.network.get_weights(), plain_weights, strict=True))
    assert_same_weights(again.get_weights(), weights)


def shortest(settings):
    """The settings with one iteration of each kind: TensorFlow traces every iteration."""
    one = {name: 1 for name in settings if name.startswith("num_")}
    nested = {name: shortest(value) for name, value in settings.items() if isinstance(value, dict)}
    return {**settings, **one, **nested}


def test_all_methods_train_together_in_one_compiled_step():
    model, history = trained(build(shortest(EXAMPLES)), run_eagerly=False)
    assert len(model.penalty_metrics) == len(REGULARIZERS)
    assert all(np.isfinite(history[metric.name]).all() for metric in model.penalty_metrics)


@pytest.mark.parametrize("method", REGULARIZERS)
def test_weight_zero_is_the_plain_network(method, plain_weights):
    model, _ = trained(build({method: {**EXAMPLES[method], "weight": 0.0}}))
    for a, b in zip(model.network.get_weights(), plain_weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_saved_model_of_keras_comes_back(example, tmp_path):
    _, model, *_ = example
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x, y = data()
    np.testing.assert_array_equal(loaded(x), model(x))
    assert loaded.regularizer.get_config() == model.regularizer.get_config()
    for own, other in zip(model.variables, loaded.variables, strict=True):
        other.assign(keras.ops.convert_to_numpy(own))  # Keras saves weights and optimizer, but not random state
    for each in (model, loaded):
        each.fit(x[:12], y[:12], shuffle=False, verbose=0)
    assert_same_weights(model.get_weights(), loaded.get_weights())


# conv_large ends in an unpadded convolution, which needs inputs of this size.
SHAPES = {
    "mlp": (5, 4, 2),
    "conv": (5, 4, 2),
    "ladder_encoder": (5, 4, 2),
    "conv_small": (16, 16, 3),
    "conv_large": (16, 16, 3),
}


def test_every_network_has_an_example():
    assert set(NETWORKS) == set(recipe_networks.NETWORKS)


@pytest.mark.parametrize("name", NETWORKS)
def test_network_round_trip_and_export(name, tmp_path):
    keras.utils.set_random_seed(0)
    network = recipe_networks.network_by_name(name, SHAPES[name], 3, **NETWORKS[name])
    x, _ = data(SHAPES[name], 4)
    restored = type(network).from_config(network.get_config())
    restored.set_weights(network.get_weights())
    logits = ops.convert_to_numpy(network(x))
    np.testing.assert_allclose(restored(x), logits, rtol=1e-5, atol=1e-6)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        model = zoo.RegularizedModel(network)
        model.build((None, *SHAPES[name]))
        zoo.export(model, tmp_path / "model")
        exported = tf.saved_model.load(str(tmp_path / "model"))
        np.testing.assert_allclose(exported.logits(x), logits, rtol=1e-4, atol=1e-5)


def test_conv_network_trains_with_a_second_order_penalty():
    _, history = trained(zoo.VirtualMovementTraining("all"), "conv_small", SHAPES["conv_small"])
    assert np.isfinite(history["vmt_all"]).all()
