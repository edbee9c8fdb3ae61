"""What a layer returns is changed within a context, and for one thread."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from keras import layers, ops

from zoo.backend.interception import activation_of, intercepted, without_activation
from zoo.backend.keras_internals import masks_of


@pytest.mark.parametrize("quantized", [False, True])
def test_outputs_of_an_inner_layer_are_changed_within_the_context_only(quantized):
    inner = keras.Sequential([keras.Input((3,)), layers.Dense(4)], name="inner")
    network = keras.Sequential([keras.Input((3,)), inner, layers.Rescaling(2.0)])
    if quantized:
        inner.layers[0].quantize("int8")
    x = np.ones((1, 3), "float32")
    before = keras.ops.convert_to_numpy(network(x))
    with intercepted(inner.layers[0], lambda outputs, mask: outputs + 1):
        changed = keras.ops.convert_to_numpy(network(x))
    np.testing.assert_allclose(changed, before + 2, rtol=1e-6)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(network(x)), before)


def test_changed_outputs_keep_their_mask():
    seen = []
    embedding = layers.Embedding(5, 2, mask_zero=True)
    network = keras.Sequential([keras.Input((3,)), embedding, layers.GlobalAveragePooling1D()])
    x = np.array([[1, 2, 0]])
    embedding.set_weights([np.arange(10.0).reshape(5, 2)])

    def change(outputs, mask):
        seen.append(keras.ops.convert_to_numpy(mask))
        return outputs * 10

    with intercepted(embedding, change):
        pooled = keras.ops.convert_to_numpy(network(x))
    np.testing.assert_array_equal(seen, [[[True, True, False]]])
    np.testing.assert_allclose(pooled, [[30.0, 40.0]])


def test_changes_add_up_and_leave_nothing_behind():
    layer, x = layers.Identity(), np.ones((1, 3), "float32")
    with intercepted(layer, lambda outputs, mask: 2 * outputs):
        with intercepted(layer, lambda outputs, mask: outputs + 1):
            assert float(layer(x)[0, 0]) == 3.0
        assert float(layer(x)[0, 0]) == 2.0
    assert float(layer(x)[0, 0]) == 1.0 and "call" not in vars(layer)


def test_threads_that_take_turns_within_a_pass_see_their_own_changes():
    """As TensorFlow does with the replicas of a step: the contexts overlap, and the first one ends first."""
    layer, found, turns = layers.Identity(), {}, {name: threading.Event() for name in ("inside", "other", "left")}

    def first():
        with intercepted(layer, lambda outputs, mask: outputs + 1):
            turns["inside"].set()
            turns["other"].wait(10)
            found["first"] = float(layer(np.zeros((1, 1), "float32"))[0, 0])
        turns["left"].set()

    def second():
        turns["inside"].wait(10)
        with intercepted(layer, lambda outputs, mask: outputs + 10):
            turns["other"].set()
            turns["left"].wait(10)
            found["second"] = float(layer(np.zeros((1, 1), "float32"))[0, 0])

    threads = [threading.Thread(target=each) for each in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == {"first": 1.0, "second": 10.0} and "call" not in vars(layer)


class Halves(layers.Layer):
    """A layer that returns several tensors."""

    def call(self, x):
        return {"first": x[:, :1], "rest": x[:, 1:]}


def test_several_outputs_are_changed_together_and_without_a_mask():
    layer, x, seen = Halves(), np.arange(6.0).reshape(2, 3), []

    def change(outputs, mask):
        seen.append(mask)
        return {name: 10 * each for name, each in outputs.items()}

    layer(x)
    with intercepted(layer, change):
        found = layer(x)
    assert seen == [None]
    np.testing.assert_allclose(found["first"], 10 * x[:, :1])
    np.testing.assert_allclose(found["rest"], 10 * x[:, 1:])


def test_a_layer_of_several_inputs_is_changed():
    layer, x = layers.Add(), np.ones((1, 2), "float32")
    layer([x, x])
    with intercepted(layer, lambda outputs, mask: outputs + 1):
        np.testing.assert_allclose(layer([x, 3 * x]), [[5.0, 5.0]])


def test_a_layer_that_returns_its_masked_input():
    """The tensor has its mask within the call already."""
    masked, layer, seen = layers.Masking()(np.array([[[1.0], [0.0]]])), layers.Identity(), []
    layer(masked)
    with intercepted(layer, lambda outputs, mask: seen.append(mask) or outputs + 1):
        changed = layer(masked)
    np.testing.assert_allclose(changed, [[[2.0], [1.0]]])
    for mask in (*seen, *masks_of(changed)):
        np.testing.assert_array_equal(mask, [[True, False]])
    assert len(seen) == 1


def seen_mask(layer, *inputs):
    """The mask that a change receives, and the mask of the outputs."""
    seen = []
    given = inputs if len(inputs) > 1 else inputs[0]
    layer(given)
    with intercepted(layer, lambda outputs, mask: seen.append(mask) or outputs):
        (mask,) = masks_of(layer(given))
    return [each if each is None else np.asarray(each) for each in (seen[0], mask)]


def embedded(*tokens):
    return [layers.Embedding(5, 3, mask_zero=True)(np.array([each])) for each in tokens]


@pytest.mark.parametrize("layer", [layers.Add(), layers.Concatenate()], ids=lambda layer: layer.name)
def test_a_layer_of_several_masked_inputs_has_the_mask_of_keras(layer):
    inputs = embedded([1, 2, 0], [1, 0, 0])
    (expected,) = masks_of(layer(inputs))
    for mask in seen_mask(layer, *inputs):
        np.testing.assert_array_equal(mask, expected)


class Passing(layers.Layer):
    """A layer that passes masks on in Keras's default way: those of all inputs, of which the first one counts."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def call(self, inputs):
        return inputs[0] + inputs[1]


def test_a_layer_that_passes_masks_on_by_default():
    inputs = embedded([1, 2, 0], [1, 0, 0])
    for mask in seen_mask(Passing(), *inputs):
        np.testing.assert_array_equal(mask, [[True, True, False]])
    assert seen_mask(Passing(), *(np.ones((1, 3, 2), "float32") for _ in range(2))) == [None, None]


def test_a_layer_that_is_called_by_keyword_has_the_mask_of_keras():
    (x,), layer, seen = embedded([1, 2, 0]), layers.Dense(2), []
    layer(inputs=x)
    with intercepted(layer, lambda outputs, mask: seen.append(mask) or outputs):
        layer(inputs=x)
    np.testing.assert_array_equal(seen[0], [[True, True, False]])


class SumOfPositions(layers.Layer):
    """A layer that does not support masking, so that Keras drops the mask."""

    def call(self, x):
        return keras.ops.sum(x, axis=1)


@pytest.mark.filterwarnings("ignore:Layer .* does not support:UserWarning")
@pytest.mark.parametrize("layer", [SumOfPositions(), layers.GlobalMaxPooling1D()], ids=["sum", "pooling"])
def test_a_layer_that_drops_the_mask_has_none(layer):
    assert seen_mask(layer, *embedded([1, 2, 0])) == [None, None]


def test_threads_leave_an_activation_out_each_for_itself():
    layer = layers.Activation("relu")
    x = ops.convert_to_tensor([-2.0])
    with ThreadPoolExecutor(1) as thread, contextlib.ExitStack() as own, contextlib.ExitStack() as others:
        calls = own.enter_context(without_activation(layer))
        assert float(thread.submit(layer, x).result()[0]) == 0.0 and not calls
        thread.submit(others.enter_context, without_activation(layer)).result()
        assert float(layer(x)[0]) == float(thread.submit(layer, x).result()[0]) == -2.0 and len(calls) == 1
        own.close()
        assert activation_of(layer) is keras.activations.relu is not layer.activation
        assert float(layer(x)[0]) == 0.0 and float(thread.submit(layer, x).result()[0]) == -2.0
        thread.submit(others.close).result()
    assert layer.activation is keras.activations.relu
