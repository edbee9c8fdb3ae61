"""Keras still has the private names that the zoo uses; if a test fails here, see `zoo/backend/keras_internals.py`."""

import keras
import numpy as np
import pytest
from keras import layers
from keras.src.saving.serialization_lib import SafeModeScope

from zoo.backend.keras_internals import (
    as_step_function,
    attach_masks,
    build_metrics,
    count_in_one_pass,
    flatten_layers,
    inputs_structure,
    last_layer,
    loss_tracker,
    masks_of,
    operation_of,
    safe_mode,
    state_shardings,
    takes_training,
)

BACKEND = keras.backend.backend()


@pytest.fixture
def compiled():
    """A network with a layer inside a layer, compiled and built."""
    inner = keras.Sequential([layers.Dense(4), layers.Dropout(0.5)], name="inner")
    model = keras.Sequential([keras.Input((3,)), inner, layers.Dense(2)])
    model.compile("sgd", "mse", steps_per_execution=2)
    model.optimizer.build(model.trainable_variables)
    return model


def test_layers_at_any_depth(compiled):
    kinds = [type(layer) for layer in flatten_layers(compiled)]
    assert kinds.count(layers.Dense) == 2 and kinds.count(layers.Dropout) == 1 and compiled in flatten_layers(compiled)


def test_an_argument_for_training_is_known(compiled):
    assert takes_training(compiled) and takes_training(layers.BatchNormalization())
    assert not takes_training(layers.Flatten()) and not takes_training(np.tanh)


def test_the_structure_of_inputs():
    inputs = keras.Input((3,), name="a")
    assert list(inputs_structure(keras.Model({"a": inputs}, layers.Dense(2)(inputs)))) == ["a"]
    assert inputs_structure(layers.Flatten()) is None


def test_the_last_layer_of_any_model(compiled):
    inputs = keras.Input((3,))
    functional = keras.Model(inputs, compiled(inputs))
    for model in (compiled, functional, keras.Sequential([functional])):
        assert last_layer(model) is compiled.layers[-1]
    two = keras.Model(inputs, [compiled(inputs), inputs])
    assert last_layer(two) is None and last_layer(np.tanh) is None
    assert operation_of(two.outputs[0]) is compiled.layers[-1]
    assert type(last_layer(keras.Model(inputs, keras.ops.softmax(inputs)))).__name__ == "Softmax"


def test_the_metric_of_the_loss(compiled):
    assert loss_tracker(compiled).name == "loss"
    compiled.evaluate(np.zeros((4, 3)), np.ones((4, 2)), verbose=0)
    assert float(loss_tracker(compiled).result()) > 0


def test_metrics_are_made_before_the_first_step(compiled):
    compiled.compile("sgd", "mse", metrics=["mae"])
    assert [metric.name for metric in compiled.metrics] == ["loss", "compile_metrics"]
    build_metrics(compiled, compiled.outputs[0], compiled.outputs[0])
    made = compiled.metrics[-1]
    assert made.variables
    build_metrics(compiled, compiled.outputs[0], compiled.outputs[0])
    assert compiled.metrics[-1] is made


@pytest.mark.skipif(BACKEND != "tensorflow", reason="steps on JAX also have a state")
def test_the_loop_runs_several_steps_on_tensorflow(compiled):
    import tensorflow as tf

    seen = tf.Variable(0)
    function = as_step_function(compiled, lambda data: {"sum": seen.assign_add(data)})
    assert int(function(iter(tf.data.Dataset.from_tensor_slices([1, 2, 4])))["sum"]) == 3


@pytest.mark.skipif(BACKEND != "jax", reason="steps on TensorFlow have no state")
def test_the_loop_runs_several_steps_on_jax(compiled):
    function = as_step_function(compiled, lambda state, data: ({"sum": state + data}, state + data))
    logs, state = function(0, iter([1, 2, 4]))
    assert logs == {"sum": 3} and state == 3


@pytest.mark.skipif(BACKEND != "jax", reason="Keras distributes models on JAX only")
def test_the_distribution_of_variables(compiled):
    with keras.distribution.DataParallel(auto_shard_dataset=False).scope():
        model = keras.models.clone_model(compiled)
        model.compile("sgd", "mse")
        model.optimizer.build(model.trainable_variables)
        trainable, others, optimizer, metrics = state_shardings(model)
    assert len(trainable) == len(model.trainable_variables) and len(others) == len(model.non_trainable_variables)
    assert len(optimizer) == len(model.optimizer.variables) and len(metrics) == len(model.metrics_variables)


@pytest.fixture
def equalization_layers():
    """Images in a range, and Keras's layer twice: counting in one pass, and as Keras counts."""
    if BACKEND != "jax":
        pytest.skip("elsewhere Keras counts in one operation")

    def make(largest):
        ours, theirs = (layers.Equalization(value_range=(0, largest)) for _ in range(2))
        count_in_one_pass(ours)
        images = largest * np.random.default_rng(0).beta(2, 5, (2, 6, 5, 3)).astype("float32")
        return images, ours, theirs

    return make


@pytest.mark.parametrize("largest", [1.0, 255.0])
def test_equalization_counts_alike(equalization_layers, largest):
    images, *both = equalization_layers(largest)
    counts = [layer._custom_histogram_fixed_width(images, (0, largest), 256) for layer in both]
    np.testing.assert_array_equal(*counts)
    assert counts[0].sum() == images.size


def test_equalization_is_a_small_program_of_the_same_values(equalization_layers):
    import jax

    images, ours, theirs = equalization_layers(1.0)
    expected = theirs(images)  # takes seconds
    np.testing.assert_allclose(ours(images), expected, rtol=1e-6)
    sizes = [len(str(jax.make_jaxpr(layer)(images)).splitlines()) for layer in (ours, theirs)]
    assert 10 * sizes[0] < sizes[1]
    dataset = pytest.importorskip("tensorflow").data.Dataset.from_tensors(images)
    np.testing.assert_allclose(next(iter(dataset.map(ours))), expected, rtol=1e-5, atol=1e-5)


def test_masks_of_some_outputs():
    outputs = layers.Masking()(np.array([[[1.0], [0.0]], [[2.0], [2.0]]]))
    rows = attach_masks({"a": outputs[:1] + 0, "b": outputs[:1] + 1}, masks_of([outputs, np.ones(3)]))
    mask, none = masks_of(rows)
    np.testing.assert_array_equal(mask, [[True, False]])
    assert none is None


def test_safe_mode_refuses_code_where_it_was_allowed():
    with pytest.warns(UserWarning, match="lambda"):
        code = keras.saving.serialize_keras_object(lambda x: x + 1)
    with SafeModeScope(False):
        assert keras.saving.deserialize_keras_object(code)(1) == 2
        with safe_mode(), pytest.raises(ValueError, match="lambda"):
            keras.saving.deserialize_keras_object(code)
        assert keras.saving.deserialize_keras_object(code)(1) == 2
