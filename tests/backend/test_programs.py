"""Compiled programs: the same values, current weights, one program for each network and key."""

import gc
import weakref

import keras
import numpy as np
import pytest
from keras import layers

from zoo.backend.programs import compile_program, program_for


def make(network):
    return lambda x, extra: {"y": network(x) + extra["bias"]}


def dense():
    return keras.Sequential([keras.Input((3,)), layers.Dense(2)])


def test_programs_follow_the_weights():
    network, x = dense(), np.ones((4, 3), "float32")
    program = program_for(network, "sum", make)
    for scale in (1.0, 2.0):
        network.set_weights([scale * np.ones((3, 2)), np.zeros(2)])
        found = program(keras.ops.convert_to_tensor(x), {"bias": keras.ops.convert_to_tensor(np.float32(1))})
        np.testing.assert_allclose(found["y"], np.full((4, 2), 3 * scale + 1))


def test_programs_are_kept_for_networks_and_made_anew_for_functions():
    traced = []

    def counting(network):
        def run(x):
            traced.append(x)
            return network(x)

        return run

    network, x = dense(), keras.ops.ones((4, 3))
    for key in ("a", "a", "b"):
        program_for(network, key, counting)(x)
    assert len(traced) == 2
    factor = [1.0]
    function = lambda x: factor[0] * x  # noqa: E731
    for value in (1.0, 5.0):
        factor[0] = value
        np.testing.assert_allclose(program_for(function, "a", counting)(x), np.full((4, 3), value))


def test_programs_do_not_keep_their_networks():
    network = dense()
    program_for(network, "sum", make)(keras.ops.ones((4, 3)), {"bias": keras.ops.ones(())})
    weak = weakref.ref(network)
    del network
    keras.utils.clear_session()
    gc.collect()
    assert weak() is None


def test_a_function_of_arrays():
    np.testing.assert_allclose(compile_program(lambda x: 2 * x)(keras.ops.ones(3)), 2 * np.ones(3))


def exchange_the_last_layer(network):
    network.pop()
    network.add(layers.Dense(2, kernel_initializer="ones"))


def adapt_again(network):
    network.layers[0].adapt(10.0 + np.arange(12.0).reshape(4, 3))


def add_weights_of_low_rank(network):
    network.layers[1].enable_lora(1)
    for each in network.layers[1].variables:
        each.assign(np.ones(each.shape))


@pytest.mark.parametrize("change", [exchange_the_last_layer, adapt_again, add_weights_of_low_rank])
def test_a_changed_network_has_a_new_program(change):
    normalization = layers.Normalization()
    normalization.adapt(np.arange(12.0).reshape(4, 3))
    network = keras.Sequential([keras.Input((3,)), normalization, layers.Dense(2)])
    x = keras.ops.ones((4, 3))

    def program():
        return program_for(network, "call", lambda each: lambda x: each(x))

    first = program()
    before = keras.ops.convert_to_numpy(first(x))
    assert program() is first
    change(network)
    after = keras.ops.convert_to_numpy(program()(x))
    np.testing.assert_allclose(after, keras.ops.convert_to_numpy(network(x)), rtol=1e-5)
    assert np.abs(after - before).max() > 0.1


def test_another_loss_has_a_new_program():
    network = dense()
    network.compile("sgd", "mse")
    first = program_for(network, "call", lambda each: lambda x: each(x))
    network.compile("sgd", keras.losses.MeanSquaredError())
    assert program_for(network, "call", lambda each: lambda x: each(x)) is not first


def test_a_layer_with_settings_of_every_kind_keeps_its_program():
    class Odd(layers.Layer):
        def mean(self):  # another one at each access, as every method
            return None

        @property
        def activation(self):
            return object()

        def call(self, x):
            return x

    network = keras.Sequential([keras.Input((3,)), Odd(), layers.Dropout(0.5), layers.Dense(2)])
    programs = [program_for(network, "call", lambda each: lambda x: each(x)) for _ in range(3)]
    for program in programs:
        program(keras.ops.ones((4, 3)))
    assert programs[0] is programs[1] is programs[2] is program_for(network, "call", lambda each: lambda x: each(x))


@pytest.mark.parametrize("name, value", [("trainable", False), ("scale", 3.0)])
def test_another_setting_of_a_layer_has_a_new_program(name, value):
    network = keras.Sequential([keras.Input((3,)), layers.Rescaling(2.0), layers.BatchNormalization()])
    layer = network.layers[0 if name == "scale" else 1]
    first = program_for(network, "call", lambda each: lambda x: each(x))
    setattr(layer, name, value)
    assert program_for(network, "call", lambda each: lambda x: each(x)) is not first


def test_a_loss_that_refers_to_its_network_does_not_keep_it():
    network = dense()
    network.compile("sgd", lambda y, outputs, network=network: keras.ops.mean(network(outputs * 0) + outputs))
    program_for(network, "call", lambda each: lambda x: each(x))
    found = weakref.ref(network)
    del network
    gc.collect()
    assert found() is None
