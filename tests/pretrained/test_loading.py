"""Export, list and load: what is written works with TensorFlow alone and comes back as a Keras model."""

import os
import pathlib
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

import zoo
from tests.support.small_models import WithoutConfiguration
from zoo.layers import build_preprocessing
from zoo.pretrained.exporting import serving_weights

TENSORFLOW = keras.backend.backend() == "tensorflow"
needs_tensorflow = pytest.mark.skipif(not TENSORFLOW, reason="SavedModels are written by the TensorFlow backend")

ALONE = """
import sys
sys.modules["zoo"] = None
sys.modules["keras"] = None
import numpy as np, tensorflow as tf
x = np.load(sys.argv[1])
for path in sys.argv[2:]:
    model = tf.saved_model.load(path)
    signature = model.signatures["serve"](inputs=tf.constant(x))
    np.savez(path + ".npz", serve=model.serve(x), logits=model.logits(x), signature=list(signature.values())[0])
"""
PIPELINES = {
    "rescaled": [{"name": "rescaling", "scale": 1 / 255}],
    "standardized": [{"name": "normalization"}],
    "whitened": [{"name": "contrast_normalization", "scale": 5.0}, {"name": "zca_whitening"}],
    "augmented": [{"name": "rescaling", "scale": 1 / 255}, {"name": "random_flip", "mode": "horizontal"}],
    "raw": [],
}


def images(num_examples=60):
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (num_examples, 6, 5, 3), dtype="uint8")
    return x, (np.arange(num_examples) % 4).astype("int32")


def trained_model(steps):
    x, y = images()
    keras.utils.set_random_seed(0)
    preprocessing = build_preprocessing(steps, x)
    network = zoo.networks.mlp((6, 5, 3), 4, hidden_units=(16, 8), dropout=0.2)
    model = zoo.RegularizedModel(network, zoo.VirtualAdversarialTraining(0.5), preprocessing=preprocessing, seed=0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"], run_eagerly=True)
    model.fit(x, y, epochs=2, batch_size=20, verbose=0)
    return model


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A trained model for each pipeline, with the folder of its SavedModel and its card."""
    if not TENSORFLOW:
        pytest.skip("SavedModels are written by the TensorFlow backend")
    made = {}
    for name, steps in PIPELINES.items():
        model, path = trained_model(steps), tmp_path_factory.mktemp("models") / f"toy-{name}"
        card = zoo.export(model, path, card={"seed": 3, "recipe": None}, splits={"test": images()})
        made[name] = model, path, card
    return made


@pytest.fixture(params=PIPELINES)
def exported(request, models):
    return models[request.param]


@pytest.fixture(scope="module")
def alone(models, tmp_path_factory):
    """What the SavedModels compute with TensorFlow alone, all of them in one process; from their paths."""
    inputs = tmp_path_factory.mktemp("inputs") / "x.npy"
    np.save(inputs, images()[0].astype("float32"))
    paths = [str(path) for _, path, _ in models.values()]
    command = [sys.executable, "-c", ALONE, str(inputs), *paths]
    subprocess.run(command, check=True, env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"})
    return {path: np.load(f"{path}.npz") for path in paths}


def test_saved_model_equals_keras_with_tensorflow_alone(exported, alone):
    model, path, card = exported
    x, y = images()
    out = alone[str(path)]
    logits = model.predict(x, verbose=0)
    np.testing.assert_allclose(out["logits"], logits, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(out["serve"], keras.ops.softmax(logits), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(out["serve"], out["signature"])
    assert card["errors"]["test"] == 100 * np.mean(np.argmax(out["serve"], axis=1) != y)


def test_loaded_model_predicts_the_same_and_trains_on(exported):
    model, path, _ = exported
    x, y = images()
    loaded = zoo.load(path.name, path.parent)
    np.testing.assert_allclose(loaded.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-5)
    assert loaded.regularizer.get_config() == model.regularizer.get_config()
    before = [np.array(w) for w in loaded.network.get_weights()]
    loaded.run_eagerly = not path.name.endswith("augmented")  # one of them is compiled, which takes seconds
    history = loaded.fit(x, y, epochs=1, batch_size=20, verbose=0).history
    assert np.isfinite(history["vat"]).all()
    assert any(np.any(a != b) for a, b in zip(before, loaded.network.get_weights(), strict=True))


def test_tfsm_layer_takes_both_endpoints(exported):
    model, path, _ = exported
    x = images()[0].astype("float32")
    logits = keras.layers.TFSMLayer(str(path), call_endpoint="logits")(x)
    np.testing.assert_allclose(logits, model.predict(x, verbose=0), rtol=1e-4, atol=1e-4)
    probabilities = keras.layers.TFSMLayer(str(path), call_endpoint="serve")(x)
    np.testing.assert_allclose(np.sum(probabilities, axis=1), 1.0, rtol=1e-5)


def test_weights_are_stored_once(exported):
    import tensorflow as tf

    model, path, _ = exported
    shapes = dict(tf.train.list_variables(str(path / "variables" / "variables")))
    stored = sum(int(np.prod(shape)) for key, shape in shapes.items() if key.startswith("weights/"))
    expected = sum(int(np.prod(w.shape)) for w in serving_weights(model))
    others = [key for key in shapes if "VARIABLE_VALUE" in key and not key.startswith("weights/")]
    assert stored == expected and not others


def test_models_are_listed_and_found(exported):
    _, path, card = exported
    assert zoo.list_models(path.parent) == [path.name]
    assert zoo.model_card(path.name, path.parent) == zoo.model_card(path) == card
    with pytest.raises(ValueError, match=f"Did you mean '{path.name}'"):
        zoo.load(path.name + "x", path.parent)
    with pytest.raises(ValueError, match="holds no models"):
        zoo.load("anything", path.parent / path.name / "variables")


def test_changed_model_is_refused(exported, tmp_path):
    copied = shutil.copytree(exported[1], tmp_path / "toy")
    data = copied / "variables" / "variables.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[100] ^= 1
    data.write_bytes(content)
    with pytest.raises(ValueError, match="variables.data-00000-of-00001"):
        zoo.load(copied)


@needs_tensorflow
def test_preprocessing_of_a_single_layer_comes_back(tmp_path):
    x = np.random.default_rng(0).normal(3.0, 5.0, (20, 4)).astype("float32")
    layer = keras.layers.Normalization()
    layer.adapt(x)
    model = zoo.RegularizedModel(zoo.networks.mlp((4,), 2, hidden_units=(3,)), preprocessing=layer)
    model.build((None, 4))
    zoo.export(model, tmp_path / "toy")
    np.testing.assert_allclose(zoo.load(tmp_path / "toy").predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5)


def test_published_models_are_found_from_any_directory(tmp_path, monkeypatch):
    monkeypatch.delenv("ZOO_SAVED_MODELS", raising=False)
    monkeypatch.chdir(tmp_path)
    assert zoo.pretrained.default_directory() == pathlib.Path(zoo.__file__).resolve().parents[1] / "saved_models"
    assert "synthetic_mlp-vat" in zoo.list_models()
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    assert zoo.pretrained.default_directory() == tmp_path and zoo.list_models(tmp_path) == []
    assert "synthetic_mlp-vat" in zoo.list_models()


@needs_tensorflow
def test_networks_of_any_size_are_exported_with_any_size(tmp_path):
    rng = np.random.default_rng(0)
    small, large = (rng.random((12, size, size, 3)).astype("float32") for size in (8, 11))
    body = [keras.layers.Conv2D(3, 3), keras.layers.GlobalAveragePooling2D()]
    model = zoo.RegularizedModel(keras.Sequential([keras.Input((None, None, 3)), *body]), seed=0)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
    model.fit(small, np.arange(12) % 3, verbose=0)
    card = zoo.export(model, tmp_path / "any_size", splits={"test": (large, np.arange(12) % 3)})
    assert card["input_shape"] == [None, None, 3] and 0 <= card["errors"]["test"] <= 100
    loaded = zoo.load(tmp_path / "any_size")
    for x in (small, large):
        np.testing.assert_allclose(loaded.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5)


@needs_tensorflow
def test_a_network_without_a_configuration_exports_and_does_not_come_back(tmp_path):
    model = zoo.RegularizedModel(WithoutConfiguration(3))
    model.build((None, 4))
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    with pytest.warns(UserWarning, match=r"zoo.load cannot make a Keras model of it.*get_config\(\)"):
        zoo.export(model, tmp_path / "toy", splits={"test": (x, np.zeros(5, "int32"))})
    served = keras.layers.TFSMLayer(str(tmp_path / "toy"), call_endpoint="logits")
    np.testing.assert_allclose(served(x), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="network without get_config.*TFSMLayer"):
        zoo.load(tmp_path / "toy")
