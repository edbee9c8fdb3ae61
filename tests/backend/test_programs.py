"""Compiled programs: the same values, current weights, one program for each network and key."""

import gc
import weakref

import keras
import numpy as np
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
