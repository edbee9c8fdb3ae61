"""Tangent propagation against exact derivatives along movements, and its gradient in the weights."""

import numpy as np
import pytest
from keras import ops

from zoo.regularizers import TangentPropagation, VirtualMovementTraining
from zoo.regularizers.virtual_movement_training import movement_bases


def values(tensor):
    return ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("lattice, channels", [((6,), 1), ((5, 6), 3), ((4, 5, 4), 2)])
@pytest.mark.parametrize("field", ["shift", "scale", "affine", "all"])
def test_derivatives_along_movements_of_quadratics(quadratics, images_pass, lattice, channels, field):
    images = quadratics(lattice, channels)
    movements = np.concatenate(movement_bases(field, lattice))
    expected = sum(images.derivative(movement) ** 2 for movement in movements)
    clean = images_pass(images)
    found = values(TangentPropagation(field, lattice_shape=lattice).per_example(clean))
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    if field != "all":  # with one output that is the loss, VMT's worst combination has the same square
        worst = values(VirtualMovementTraining(field, lattice_shape=lattice).per_example(clean))
        np.testing.assert_allclose(found, worst**2, rtol=1e-9)


def test_gradient_in_the_weights(quadratics, clean_pass, perceptron, gradient, difference):
    images, mlp = quadratics((4, 5), 1), perceptron(num_inputs=20, num_hidden=3, num_logits=2)
    x, method = images.inputs / 10, TangentPropagation("affine", weight=2.0)
    padded, flat = np.pad(x[..., 0], [(0, 0), (1, 1), (1, 1)]), x.reshape(images.num_examples, -1)
    slopes = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1], padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2])
    slopes = np.stack(slopes, axis=-1).reshape(images.num_examples, -1, 2) / 2
    tangents = np.einsum("npi,kpi->nkp", slopes, movement_bases("affine", (4, 5))[0])

    def reference(w):
        activity = 1 - np.tanh(flat @ w + mlp.b) ** 2
        changes = np.einsum("nkp,ph,nh,hc->nkc", tangents, w, activity, mlp.v)
        return np.mean(np.sum(changes**2, axis=(1, 2)))

    def penalty(w):
        return method.penalty(clean_pass(lambda x: mlp.tensors(x, w), x))

    np.testing.assert_allclose(values(penalty(mlp.w)), reference(mlp.w), rtol=1e-9)
    np.testing.assert_allclose(gradient(penalty, mlp.w), difference(reference, mlp.w), rtol=1e-5, atol=1e-7)


def test_images_with_channels_first(clean_pass, perceptron):
    mlp, x = perceptron(num_inputs=60, num_hidden=3, num_logits=2), np.random.default_rng(0).normal(size=(3, 6, 5, 2))
    last = clean_pass(lambda x: mlp.tensors(ops.reshape(x, (-1, 60))), x)
    first = clean_pass(
        lambda x: mlp.tensors(ops.reshape(ops.moveaxis(x, 1, -1), (-1, 60))),
        np.ascontiguousarray(np.moveaxis(x, -1, 1)),
        np.ascontiguousarray(np.moveaxis(x, -1, 1)),
    )
    expected = values(TangentPropagation("affine").per_example(last))
    found = {
        data_format: values(TangentPropagation("affine", data_format=data_format).per_example(first))
        for data_format in ("channels_first", "channels_last")
    }
    np.testing.assert_allclose(found["channels_first"], expected, rtol=1e-9)
    assert not np.allclose(found["channels_last"], expected, rtol=0.01)
    with pytest.raises(ValueError, match="Pass data_format='channels_first', or 'channels_last'"):
        TangentPropagation("affine").per_example(first)


def test_bad_fields_are_named():
    with pytest.raises(ValueError, match="Unknown movement field 'shifts'. Did you mean 'shift'"):
        TangentPropagation("shifts")
    with pytest.raises(ValueError, match="no movement of the kind 'rotation'"):
        movement_bases("rotation", (6,))
