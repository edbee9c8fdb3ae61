"""Plain Keras models predict what the zoo's models predict, and their files need no zoo."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import zoo
from tests.support.small_models import WithoutConfiguration
from zoo.layers import build_preprocessing

# Loads a file without the zoo, on another backend than the one that wrote it where possible.
ALONE = """
import sys
sys.modules["zoo"] = None
import keras, numpy as np
model = keras.models.load_model(sys.argv[1])
np.save(sys.argv[3], model.predict(np.load(sys.argv[2]), verbose=0))
"""


def trained(network, x, preprocessing=None, seed=0):
    """A model after two epochs, so that all its statistics have moved."""
    model = zoo.RegularizedModel(network, zoo.VirtualAdversarialTraining(0.1), preprocessing=preprocessing, seed=seed)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, **({"run_eagerly": True} if keras.backend.backend() == "tensorflow" else {}))
    model.fit(x, np.arange(len(x)) % 3, epochs=2, batch_size=8, verbose=0)
    return model


def images():
    return np.random.default_rng(0).integers(0, 256, (16, 6, 6, 3)).astype("float32")


@pytest.fixture(scope="module")
def image_model():
    """A trained model with our batch normalization at depth 2, and its inputs."""
    layers, x = keras.layers, images()
    stage = [layers.Conv2D(4, 3), zoo.layers.BatchNormalization(), layers.LeakyReLU(0.1), layers.Dropout(0.5)]
    inner = keras.Sequential([keras.Input((6, 6, 3)), *stage], name="inner")
    network = keras.Sequential([keras.Input((6, 6, 3)), inner, layers.GlobalAveragePooling2D(), layers.Dense(3)])
    steps = [{"name": "rescaling", "scale": 1 / 255}, {"name": "random_flip"}, {"name": "normalization"}]
    return trained(network, x, build_preprocessing(steps, x)), x


def test_it_predicts_the_same(image_model):
    model, x = image_model
    logits = model.predict(x, verbose=0)
    network = zoo.pretrained.plain(model)
    np.testing.assert_allclose(network.predict(x, verbose=0), logits, rtol=1e-5, atol=1e-6)
    probabilities = zoo.pretrained.plain(model, "probabilities").predict(x, verbose=0)
    np.testing.assert_allclose(probabilities, keras.ops.softmax(logits), rtol=1e-5, atol=1e-6)
    kinds = {type(layer).__module__.split(".")[0] for layer in network._flatten_layers()}
    assert kinds == {"keras"} and not network.compiled


def test_it_is_a_copy(image_model):
    model, x = image_model
    before = model.predict(x, verbose=0)
    network = zoo.pretrained.plain(model)
    for weight in network.weights:
        weight.assign(weight + 1.0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), before)


def test_its_file_needs_no_zoo(image_model, tmp_path):
    model, x = image_model
    zoo.pretrained.plain(model).save(tmp_path / "network.keras")
    np.save(tmp_path / "x.npy", x)
    arguments = [str(tmp_path / name) for name in ("network.keras", "x.npy", "y.npy")]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "jax"}
    subprocess.run([sys.executable, "-c", ALONE, *arguments], check=True, env=environment)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)


def test_a_single_layer_as_preprocessing():
    x = np.random.default_rng(1).normal(3.0, 2.0, (16, 4)).astype("float32")
    layer = keras.layers.Normalization()
    layer.adapt(x)
    model = trained(zoo.networks.mlp((4,), 3, hidden_units=[5]), x, layer)
    np.testing.assert_allclose(
        zoo.pretrained.plain(model).predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5
    )


def test_layers_that_need_the_zoo_are_named():
    rungs = [{"name": "dense", "units": units} for units in (5, 3)]
    model = zoo.RegularizedModel(zoo.ladder.ladder_encoder((4,), 3, rungs=rungs))
    model.build((None, 4))
    with pytest.raises(ValueError, match=r"because of 'rung_1' \(Rung\), 'rung_2' \(Rung\)\. Export a SavedModel"):
        zoo.pretrained.plain(model)
    x = images()
    steps = [{"name": "contrast_normalization"}, {"name": "zca_whitening"}]
    model = zoo.RegularizedModel(zoo.networks.mlp((6, 6, 3), 3), preprocessing=build_preprocessing(steps, x))
    model.build((None, 6, 6, 3))
    with pytest.raises(ValueError, match=r"\(PerImageContrastNormalization\), '.*' \(ZCAWhitening\)"):
        zoo.pretrained.plain(model)


def test_other_models_are_refused():
    network = zoo.networks.mlp((4,), 3, hidden_units=[5])
    with pytest.raises(TypeError, match="RegularizedModel, received Functional"):
        zoo.pretrained.plain(network)
    with pytest.raises(ValueError, match="built"):
        zoo.pretrained.plain(zoo.RegularizedModel(WithoutConfiguration(3)))
    with pytest.raises(ValueError, match="Did you mean 'logits'"):
        zoo.pretrained.plain(zoo.RegularizedModel(network), "logit")
    model = zoo.RegularizedModel(WithoutConfiguration(3))
    model.build((None, 4))
    with pytest.raises(ValueError, match=r"cannot copy the network, because it has no get_config\(\)"):
        zoo.pretrained.plain(model)
    inputs = {name: keras.Input((2,), name=name) for name in "ab"}
    model = zoo.RegularizedModel(keras.Model(inputs, keras.layers.Dense(3)(inputs["a"])))
    model.build({"a": (None, 2), "b": (None, 2)})
    with pytest.raises(ValueError, match="one array of raw inputs, received several"):
        zoo.pretrained.plain(model)
    model = zoo.RegularizedModel(network)
    model.build((None, 4))
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match="needs logits of classes, received loss='mse'"):
        zoo.pretrained.plain(model, "probabilities")
    assert zoo.pretrained.plain(model).output_shape == (None, 3)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="the same on every backend")
def test_a_file_of_a_model_of_the_zoo_asks_for_the_zoo(tmp_path):
    """Keras says which module is missing and that it must be imported; nothing of ours runs there."""
    model = zoo.RegularizedModel(zoo.networks.mlp((4,), 3, hidden_units=[5]), zoo.WeightNoise(0.1))
    model.build((None, 4))
    model.save(tmp_path / "model.keras")
    program = "import sys, keras; keras.models.load_model(sys.argv[1])"
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    command = [sys.executable, "-c", program, str(tmp_path / "model.keras")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    message = done.stderr.splitlines()[-1]
    assert (
        "make sure they are all imported" in message and "'module': 'zoo." in message.partition("Full object")[2][:60]
    )
