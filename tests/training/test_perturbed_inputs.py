"""Several inputs, and parts of inputs, as the one tensor that penalties move."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo
from tests.support.several_inputs import MASK, X, declared
from zoo.regularizers import adversarial_noise
from zoo.training.outputs import outputs_of
from zoo.training.passes import run_passes
from zoo.training.perturbed_inputs import JointInputs

RNG = np.random.default_rng(0)


def mirror():
    """A network whose outputs are its inputs."""
    inputs = declared()
    city = layers.Rescaling(1.0)(inputs["city"])
    return keras.Model(inputs, layers.Concatenate()([inputs["age"], city, layers.Flatten()(inputs["image"])]))


def as_vectors(x):
    """The inputs in one array, in the order of their names."""
    return np.concatenate([x["age"], x["city"], x["image"].reshape(len(x["image"]), 4)], axis=1)


def passes(network, perturb, x, linearized=True, regularizer=None):
    model = zoo.RegularizedModel(network, regularizer, perturb=perturb, seed=1)
    inputs, _ = model.prepare(keras.tree.map_structure(ops.convert_to_tensor, x))
    return run_passes(model, inputs, outputs_of("mse"), linearized=linearized)


CASES = {
    "all": (None, [1, 0, 1, 1, 1, 1]),
    "one": ({"image": 1.0}, [0, 0, 1, 1, 1, 1]),
    "scales": ({"image": 1.0, "age": 3.0}, [3, 0, 1, 1, 1, 1]),
    "none_of_one": ({"image": 0.0, "age": 3.0}, [3, 0, 0, 0, 0, 0]),
    "mask": ({"image": MASK, "age": 1.0}, [1, 0, 1, 0, 0.5, 2]),
    "mask_alone": ({"image": MASK}, [0, 0, 1, 0, 0.5, 2]),
    "broadcast": ({"image": np.array([0.0, 1.0])}, [0, 0, 0, 1, 0, 1]),
}


@pytest.mark.parametrize("case", CASES)
def test_perturbed_inputs_have_the_joint_norm_and_leave_the_rest_as_it_is(case):
    perturb, scale = CASES[case]
    found = passes(mirror(), perturb, X)
    noise = adversarial_noise(ops.convert_to_tensor(RNG.normal(size=found.inputs.shape).astype("float32")), "l2")
    for rows in (24, 7):
        moved = ops.convert_to_numpy(found.forward(found.inputs[:rows] + 2.0 * noise[:rows]))
        change = moved - as_vectors(X)[:rows]
        scale = np.asarray(scale, "float64")
        np.testing.assert_array_equal(moved[:, scale == 0], as_vectors(X).astype("float32")[:rows, scale == 0])
        assert np.all(np.abs(change[:, scale != 0]) > 0)
        norms = np.linalg.norm(change[:, scale != 0] / scale[scale != 0], axis=1)
        np.testing.assert_allclose(norms, 2.0, rtol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_derivatives_are_those_in_the_scaled_inputs(case):
    perturb, scale = CASES[case]
    found, moving = passes(mirror(), perturb, X), np.flatnonzero(scale)
    tangents = RNG.normal(size=(24, len(moving))).astype("float32")
    expected = np.zeros((24, 6))
    expected[:, moving] = tangents * np.asarray(scale)[moving]
    pushed = found.jvp(ops.reshape(ops.convert_to_tensor(tangents), found.inputs.shape))
    np.testing.assert_allclose(ops.convert_to_numpy(pushed), expected, rtol=1e-6)
    cotangents = RNG.normal(size=(24, 6)).astype("float32")
    pulled = ops.convert_to_numpy(found.vjp(ops.convert_to_tensor(cotangents))).reshape(24, -1)
    np.testing.assert_allclose(pulled, (cotangents * np.asarray(scale))[:, moving], rtol=1e-6)


def test_a_range_holds_for_inputs_in_their_units():
    found = passes(mirror(), {"image": 1.0, "age": np.array([1.0])}, X)
    assert found.perturbed.in_units and not passes(mirror(), {"image": 2.0}, X).perturbed.in_units


@pytest.mark.parametrize(
    "scales, input_range, expected",
    [
        ({"age": 2.0}, (-1.0, 3.0), (-0.5, 1.5)),
        ({"age": -2.0}, {"age": (-1.0, 3.0)}, (-1.5, 0.5)),
        ({"image": MASK, "age": 1.0}, (0.0, 1.0), ([[0, 0, 0, 0]], [[1, 1, 2, 0.5]])),
        ({"image": MASK, "age": 1.0}, {"image": (-1, 1)}, ([[-np.inf, -1, -2, -0.5]], [[np.inf, 1, 2, 0.5]])),
        ({"image": MASK, "age": 1.0}, None, None),
    ],
)
def test_ranges_are_those_of_the_scaled_entries(scales, input_range, expected):
    found = JointInputs(keras.tree.map_structure(ops.convert_to_tensor, X), None, scales).bounds(input_range)
    if expected is None:
        assert found is None
    else:
        np.testing.assert_allclose(found[0], expected[0])
        np.testing.assert_allclose(found[1], expected[1])


def test_a_range_of_an_input_that_does_not_move_is_refused():
    joint = JointInputs(keras.tree.map_structure(ops.convert_to_tensor, X), None, {"age": 1.0})
    with pytest.raises(ValueError, match="Unknown moving input in input_range 'image'.*Allowed: 'age'"):
        joint.bounds({"image": (0, 1)})
