"""What export writes, and what it refuses."""

import shutil

import keras
import numpy as np
import pytest

import zoo

TENSORFLOW = keras.backend.backend() == "tensorflow"
needs_tensorflow = pytest.mark.skipif(not TENSORFLOW, reason="SavedModels are written by the TensorFlow backend")


@pytest.fixture
def model():
    """A model that is built and not trained."""
    model = zoo.RegularizedModel(zoo.networks.mlp((6, 5, 3), 4, hidden_units=(8,)))
    model.build((None, 6, 5, 3))
    return model


@needs_tensorflow
def test_export_replaces_whole_and_leaves_nothing_behind(model, tmp_path):
    path = tmp_path / "toy"
    first = zoo.export(model, path)
    shutil.copy(path / "saved_model.pb", path / "stray")
    zoo.export(model, path)
    assert not (path / "stray").exists() and [p.name for p in tmp_path.iterdir()] == ["toy"]
    assert first["num_parameters"] == sum(int(np.prod(w.shape)) for w in model.network.trainable_weights)


@needs_tensorflow
def test_a_bar_counts_the_examples_of_all_splits(model, tmp_path, capsys):
    splits = {name: (np.zeros((size, 6, 5, 3)), np.zeros(size, int)) for name, size in (("test", 7), ("train", 12))}
    cards = [zoo.export(model, tmp_path / "toy", splits=splits, verbose=verbose) for verbose in (0, 1)]
    assert cards[0]["errors"] == cards[1]["errors"]
    assert capsys.readouterr().out.count("19/19") == 1


@needs_tensorflow
def test_failed_export_keeps_the_earlier_one(model, tmp_path):
    path = tmp_path / "toy"
    zoo.export(model, path)
    with pytest.raises(Exception, match="(?i)shape|signature|compatible"):
        zoo.export(model, path, splits={"test": (np.zeros((4, 3, 5, 3)), np.zeros(4, int))})
    assert [p.name for p in tmp_path.iterdir()] == ["toy"]
    zoo.pretrained.verify(path)


@needs_tensorflow
def test_a_full_disk_is_an_error_of_the_system(model, tmp_path, monkeypatch):
    import tensorflow as tf

    def full(module, path, signatures):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", full)
    with pytest.raises(
        OSError, match=f"SavedModel cannot be written to {tmp_path} .No space left on device."
    ) as caught:
        zoo.export(model, tmp_path / "toy")
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


@needs_tensorflow
def test_unsuitable_models_are_refused(tmp_path):
    network = zoo.networks.mlp((4,), 2, hidden_units=(3,))
    with pytest.raises(TypeError, match="Functional"):
        zoo.export(network, tmp_path / "toy")
    with pytest.raises(ValueError, match="built"):
        zoo.export(zoo.RegularizedModel(network), tmp_path / "toy")


@pytest.mark.parametrize("x, y", [(np.zeros((0, 2)), np.zeros(0)), (np.zeros((3, 2)), np.zeros(2))])
def test_the_error_needs_a_label_for_each_input(x, y):
    with pytest.raises(ValueError, match=f"as many labels as inputs, at least one, received {len(y)} and {len(x)}"):
        zoo.pretrained.error_percent(lambda x: x, x, y)


@needs_tensorflow
@pytest.mark.parametrize(
    "units, activation, loss",
    [
        (2, "softmax", keras.losses.SparseCategoricalCrossentropy()),
        (1, "sigmoid", "binary_crossentropy"),
        (1, None, keras.losses.BinaryCrossentropy(from_logits=True)),
        (3, None, "mse"),
    ],
)
def test_outputs_that_are_no_logits_of_classes_are_refused(tmp_path, units, activation, loss):
    model = zoo.RegularizedModel(keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, activation)]))
    model.build((None, 4))
    model.compile("adam", loss)
    with pytest.raises(ValueError, match="logits of two or more classes.*received loss="):
        zoo.export(model, tmp_path / "toy")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(TENSORFLOW, reason="about the other backend")
def test_other_backend_says_who_can_export(tmp_path):
    model = zoo.RegularizedModel(zoo.networks.mlp((4,), 2, hidden_units=(3,)))
    with pytest.raises(ValueError, match="KERAS_BACKEND=tensorflow"):
        zoo.export(model, tmp_path / "toy")


@needs_tensorflow
def test_networks_of_several_inputs_are_not_exported(tmp_path):
    inputs = {name: keras.Input((2,), name=name) for name in "ab"}
    network = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Concatenate()(list(inputs.values()))))
    model = zoo.RegularizedModel(network)
    model.build({"a": (None, 2), "b": (None, 2)})
    with pytest.raises(ValueError, match="one array of raw inputs, received several.*model.network.export"):
        zoo.export(model, tmp_path / "several")


@needs_tensorflow
def test_one_of_several_heads_exports(tmp_path):
    inputs = keras.Input((4,))
    network = keras.Model(inputs, {"cls": keras.layers.Dense(3)(inputs), "box": keras.layers.Dense(2)(inputs)})
    model = zoo.RegularizedModel(network, output="cls")
    model.build((None, 4))
    with pytest.raises(ValueError, match="one output, received a network with outputs .*box.*Wrap one of them"):
        zoo.export(model, tmp_path / "both")
    single = zoo.RegularizedModel(keras.Model(network.inputs, network.output["cls"]))
    single.build((None, 4))
    assert zoo.export(single, tmp_path / "one")["num_parameters"] == 15
