"""A loaded model equals the saved one and continues its training."""

import keras
import numpy as np
import pytest
from keras import layers

import zoo

REGULARIZER = (
    zoo.VirtualAdversarialTraining(1.5, num_power_iterations=2, weight=0.7, ramp_up_steps=9)
    + zoo.VirtualMovementTraining({"name": "smooth", "num_cosines": 2}, normalization="batch")
    + zoo.Smoothness(0.1, direction="adversarial", divergence="kl")
)


# Random states are the subject of test_wrapper.py, so the models compared here draw no random numbers.
DETERMINISTIC = zoo.AdversarialTraining(0.5, ramp_up_steps=9) + zoo.VirtualMovementTraining("affine")


@pytest.fixture
def trained(quick, data, network, model, fit):
    """Makes a model with batch normalization, preprocessing and penalties, and trains it."""

    def make(epochs, regularizer=DETERMINISTIC, *middle):
        options = {"optimizer": "adam", "metrics": ["accuracy"], "preprocessing": layers.Rescaling(0.5, 0.1), **quick}
        made = model(network(layers.BatchNormalization(), *middle), regularizer, **options)
        if epochs:
            fit(made, *data, batch_size=12, epochs=epochs)
        return made

    return make


def test_round_trip(trained, data, tmp_path):
    first = trained(1, REGULARIZER, layers.Dropout(0.3))
    first.save(tmp_path / "model.keras")
    second = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(second.predict(data[0], verbose=0), first.predict(data[0], verbose=0))
    assert second.evaluate(*data, verbose=0) == first.evaluate(*data, verbose=0)
    assert second.regularizer.get_config() == REGULARIZER.get_config()
    assert [term.get_config() for term in second.regularizer.terms] == [t.get_config() for t in REGULARIZER.terms]
    assert second.preprocessing.get_config() == first.preprocessing.get_config()
    assert second.raw_input_shape == first.raw_input_shape == (6,)
    assert second.jit_compile == first.jit_compile


def test_loaded_model_trains_on_as_the_saved_one(trained, data, fit, tmp_path, assert_same_weights):
    uninterrupted, interrupted = trained(2), trained(1)
    interrupted.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    fit(loaded, *data, batch_size=12)
    assert_same_weights(uninterrupted, loaded)
    for a, b in zip(uninterrupted.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(a.value), keras.ops.convert_to_numpy(b.value))


def test_weights_file(trained, data, fit, tmp_path, assert_same_weights):
    first, second = trained(1), trained(0)
    first.save_weights(tmp_path / "model.weights.h5")
    second.build((None, 6))
    second.optimizer.build(second.trainable_variables)
    second.load_weights(tmp_path / "model.weights.h5")
    for each in (first, second):
        fit(each, *data, batch_size=12)
    assert_same_weights(first, second)


def test_semi_supervised_model_comes_back(data, network, model, fit, tmp_path):
    x, y = data
    first = model(network(), zoo.VirtualAdversarialTraining(1.0))
    fit(first, zoo.datasets.SemiSupervised(x, y, x, batch_size=4, unlabeled_batch_size=8))
    first.save(tmp_path / "model.keras")
    second = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(second.predict(x, verbose=0), first.predict(x, verbose=0))


def test_clone_keeps_the_configuration(trained):
    first = trained(0, REGULARIZER)
    second = zoo.RegularizedModel.from_config(first.get_config())
    assert second.get_config() == first.get_config()
    assert [m.name for m in second.penalty_metrics] == ["vat", "vmt_smooth", "smoothness"]


def test_a_model_that_is_not_built_comes_back_compiled(network, data, model, fit, quick, tmp_path):
    first = model(keras.Sequential([layers.Dense(3)]), zoo.AdversarialTraining(0.5), optimizer="adam", **quick)
    with pytest.warns(UserWarning, match="not yet been built"):
        first.save(tmp_path / "model.keras")
    second = keras.models.load_model(tmp_path / "model.keras")
    assert second.compiled and not second.built and not second.optimizer.built
    assert fit(second, *data)["at"][0] > 0 and len(second.optimizer.variables) == 2 + 2 * 2
