"""What a layer returns is changed within a context, and for one thread."""

import threading

import keras
import numpy as np
import pytest
from keras import layers

from zoo.backend.interception import intercepted


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
