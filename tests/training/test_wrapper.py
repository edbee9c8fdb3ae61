"""A wrapped network is a Keras model: shapes, names, saved random states, networks without a configuration."""

import keras
import numpy as np
import pytest
from keras import layers

import zoo
from tests.support.small_models import WithoutConfiguration

PENALTIES = zoo.WeightNoise(0.1) + zoo.Smoothness(0.1)  # which draw random numbers


@pytest.mark.parametrize("make", ["sequential", "subclassed"])
def test_shapes_of_a_built_model(make, network):
    wrapped = zoo.RegularizedModel(network() if make == "sequential" else WithoutConfiguration(3), PENALTIES)
    assert not hasattr(wrapped, "inputs") and not hasattr(wrapped, "output_shape")
    wrapped.build((None, 6))
    assert wrapped.input_shape == (None, 6) and wrapped.output_shape == (None, 3)
    assert [each.shape for each in wrapped.inputs] == [(None, 6)]
    assert [each.shape for each in wrapped.outputs] == [(None, 3)]


def test_shapes_are_those_before_the_preprocessing(network):
    wrapped = zoo.RegularizedModel(network(), PENALTIES, preprocessing=layers.Reshape((6,)))
    wrapped.build((None, 2, 3))
    assert wrapped.input_shape == (None, 2, 3) and wrapped.output_shape == (None, 3)


def test_keras_plots_and_summarizes(network):
    wrapped = zoo.RegularizedModel(network(), PENALTIES)
    wrapped.build((None, 6))
    lines = []
    wrapped.summary(print_fn=lambda line, **options: lines.append(line))
    assert any("(None, 3)" in line for line in lines)
    pytest.importorskip("pydot")
    assert wrapped.name in keras.utils.model_to_dot(wrapped, show_shapes=True).to_string()


@pytest.fixture
def drawing(quick, data, network, model, fit):
    """Makes a model whose penalties and layers draw random numbers, and trains it for some epochs."""

    def make(epochs, **options):
        made = model(network(layers.Dropout(0.3, seed=5)), PENALTIES, optimizer="adam", **quick)
        if epochs:
            fit(made, *data, epochs=epochs, **options)
        return made

    return make


@pytest.mark.parametrize("way", ["save", "weights", "checkpoint"])
def test_training_goes_on_with_the_same_random_numbers(way, drawing, data, fit, tmp_path, assert_same_weights):
    uninterrupted, resumed = drawing(2), drawing(0)
    if way == "save":
        drawing(1).save(tmp_path / "model.keras")
        resumed = keras.models.load_model(tmp_path / "model.keras")
    elif way == "weights":
        drawing(1).save_weights(tmp_path / "model.weights.h5")
        resumed.build((None, 6))
        resumed.optimizer.build(resumed.trainable_variables)
        resumed.load_weights(tmp_path / "model.weights.h5")
    else:
        drawing(1, callbacks=[keras.callbacks.ModelCheckpoint(tmp_path / "model.keras")])
        resumed = keras.models.load_model(tmp_path / "model.keras")
    fit(resumed, *data)
    assert_same_weights(uninterrupted, resumed)


class Stop(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


@pytest.mark.parametrize("form", ["arrays", "data_set"])
def test_backup_and_restore_of_an_unbuilt_model(form, drawing, data, fit, tmp_path, assert_same_weights):
    class Pairs(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return tuple(each[8 * index : 8 * index + 8] for each in data)

    uninterrupted, given = drawing(2), data if form == "arrays" else (Pairs(), None)
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    interrupted, resumed = drawing(0), drawing(0)
    with pytest.raises(KeyboardInterrupt):
        fit(interrupted, *given, epochs=2, callbacks=[backup, Stop()])
    fit(resumed, *given, epochs=2, callbacks=[keras.callbacks.BackupAndRestore(tmp_path / "backup")])
    assert_same_weights(uninterrupted, resumed)


def test_weights_of_a_network_with_other_random_layers(drawing, network, model, quick, tmp_path):
    """Random states that do not fit are left alone."""
    drawing(1).save_weights(tmp_path / "model.weights.h5")
    other = model(network(), PENALTIES, **quick)
    other.build((None, 6))
    state = keras.ops.convert_to_numpy(other.seed_generator.state.value)
    other.load_own_variables({"0": 3, "seed_states": np.zeros((5, 2), "uint32")})
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(other.seed_generator.state.value), state)
    other.load_own_variables({"0": 4})  # a file from before random states were saved
    assert int(other.iterations) == 4


def test_a_network_without_a_configuration_says_how_to_save(quick, data, model, fit, tmp_path, assert_same_weights):
    first, second = (model(WithoutConfiguration(3), PENALTIES, **quick) for _ in range(2))
    fit(first, *data)
    with pytest.raises(NotImplementedError, match=r"WithoutConfiguration has no configuration.*save_weights\(\)"):
        first.save(tmp_path / "model.keras")
    first.save_weights(tmp_path / "model.weights.h5")
    second.build((None, 6))
    second.load_weights(tmp_path / "model.weights.h5", skip_mismatch=False)
    assert_same_weights(first, second)
