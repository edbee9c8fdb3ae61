"""Lattice, border, normalization and gradient in the weights of virtual movement training."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from zoo.regularizers import VirtualMovementTraining
from zoo.regularizers.math.movement import lattice_view, spatial_gradient, unit_gradient

RTOL = 1e-9


def values(tensor):
    return ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("border, mode", [("zero", "constant"), ("nearest", "edge"), ("periodic", "wrap")])
@pytest.mark.parametrize("shape", [(2, 2, 1), (2, 5, 4, 3), (2, 3, 4, 5, 2)])
def test_borders(border, mode, shape):
    x = np.random.default_rng(9).normal(size=shape)
    gradient = values(spatial_gradient(ops.convert_to_tensor(x), border))
    assert gradient.shape == (*shape, len(shape) - 2)
    for axis in range(1, len(shape) - 1):
        padded = np.pad(x, [(1, 1) if a == axis else (0, 0) for a in range(len(shape))], mode=mode)
        length = padded.shape[axis]
        ahead, behind = (np.take(padded, range(i, length - 2 + i), axis=axis) for i in (2, 0))
        np.testing.assert_allclose(gradient[..., axis - 1], (ahead - behind) / 2, rtol=1e-12)


@pytest.mark.parametrize("normalization", ["none", "example", "batch"])
def test_normalizations(quadratics, images_pass, normalization):
    images = quadratics((7, 7), 1)
    method = VirtualMovementTraining("affine", normalization=normalization)
    plain = np.linalg.norm(values(VirtualMovementTraining("affine").scores(images_pass(images))[0][1]), axis=1)
    norms = np.linalg.norm(images.g.reshape(images.num_examples, -1), axis=1)
    divisor = {"none": 1.0, "example": norms, "batch": np.sqrt(np.sum(norms**2))}[normalization]
    penalty, larger = (values(method.penalty(images_pass(images, scale))) for scale in (1.0, 7.0))
    np.testing.assert_allclose(penalty, np.mean(plain / divisor), rtol=RTOL)
    np.testing.assert_allclose(larger, penalty * (7 if normalization == "none" else 1), rtol=RTOL)


@pytest.mark.parametrize("normalization", ["none", "example", "batch"])
def test_gradient_in_the_weights(quadratics, clean_pass, perceptron, gradient, difference, normalization):
    """The penalty is differentiated through the loss gradient, and through its norm."""
    images, mlp = quadratics((4, 5), 1), perceptron(num_inputs=20, num_hidden=3, num_logits=1)
    x, method = images.inputs / 10, VirtualMovementTraining("affine", normalization=normalization)
    basis, flat = method.bases((4, 5))[0], x.reshape(images.num_examples, -1)
    padded = np.pad(x[..., 0], [(0, 0), (1, 1), (1, 1)])
    slopes = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1], padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2])
    slopes = np.stack(slopes, axis=-1).reshape(images.num_examples, -1, 2) / 2

    def reference(w):
        hidden = np.tanh(flat @ w + mlp.b)
        g = (hidden @ mlp.v) * ((1 - hidden**2) * mlp.v[:, 0] @ w.T)
        norms = np.linalg.norm(g, axis=1, keepdims=True)
        g = g / {"none": 1.0, "example": norms, "batch": np.linalg.norm(norms)}[normalization]
        return np.mean(np.linalg.norm(np.einsum("np,npi,kpi->nk", g, slopes, basis), axis=1))

    def penalty(w):
        clean = clean_pass(lambda x: mlp.tensors(x, w), x, lambda logits: ops.square(logits[:, 0]) / 2)
        return method.penalty(clean)

    np.testing.assert_allclose(values(penalty(mlp.w)), reference(mlp.w), rtol=RTOL)
    np.testing.assert_allclose(gradient(penalty, mlp.w), difference(reference, mlp.w), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("normalization", ["none", "example", "batch"])
def test_constant_images_and_losses_give_finite_gradients(clean_pass, linear, gradient, normalization):
    method = VirtualMovementTraining("affine", normalization=normalization, border="nearest")
    for x, w in ((np.ones((2, 4, 4, 1)), np.ones((16, 1))), (np.ones((2, 4, 4, 1)), np.zeros((16, 1)))):
        slope = gradient(
            lambda w, x=x: method.penalty(clean_pass(linear(w), x, lambda logits: ops.square(logits[:, 0]))), w
        )
        assert np.isfinite(slope).all()


def test_lattice_view():
    x = np.arange(48.0).reshape(2, 24)
    for lattice, shape in ((None, (2, 24, 1)), ((2, 3), (2, 2, 3, 4)), ((4, 6), (2, 4, 6, 1))):
        np.testing.assert_array_equal(values(lattice_view(ops.convert_to_tensor(x), lattice)), x.reshape(shape))
    assert lattice_view(ops.ones((2, 5, 8, 3))).shape == (2, 5, 8, 3)
    for shape, lattice in (((2, 24), (5, 5)), ((2, 24), (1, 24)), ((2, 1, 1), None), ((2, 4, 4, 1), (3, 3))):
        with pytest.raises(ValueError, match="at least 2 positions along each axis"):
            lattice_view(ops.ones(shape), lattice)


@pytest.fixture
def channels_first():
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


def test_channels_first():
    x = np.arange(2 * 3 * 5 * 6.0).reshape(2, 3, 5, 6)
    for lattice in (None, (5, 6)):
        view = values(lattice_view(ops.convert_to_tensor(x), lattice, "channels_first"))
        np.testing.assert_array_equal(view, np.moveaxis(x, 1, -1))
    assert lattice_view(ops.ones((2, 7)), None, "channels_first").shape == (2, 7, 1)


def test_the_data_format_of_keras_is_followed(channels_first):
    x = ops.ones((2, 3, 5, 6))
    assert lattice_view(x, None, None).shape == (2, 5, 6, 3)
    assert lattice_view(x, None, "channels_last").shape == (2, 3, 5, 6)
    with pytest.raises(ValueError, match="5 channels if they are channels_first.*data_format='channels_last'"):
        lattice_view(ops.ones((2, 5, 6, 3)), None, None)


def test_images_that_contradict_the_data_format_are_refused():
    with pytest.raises(ValueError, match="6 channels if they are channels_last.*data_format='channels_first'"):
        lattice_view(ops.ones((2, 3, 5, 6)), None, None)
    for shape in ((2, 3, 5, 4), (2, 5, 6, 6), (2, 3, 3, 1), (2, 3, 6)):
        assert lattice_view(ops.ones(shape), None, None).shape == (shape if len(shape) > 2 else (*shape, 1))


def test_penalty_of_images_with_channels_first_is_that_of_the_same_images(rng):
    images, labels = rng.normal(size=(4, 6, 5, 2)), np.array([0, 1, 2, 0])
    kernel = rng.normal(size=(60, 3))

    def last(x):
        return ops.matmul(ops.reshape(x, (-1, 60)), kernel)

    found = zoo.analysis.penalty_values(
        lambda x: last(ops.moveaxis(x, 1, -1)),
        np.moveaxis(images, -1, 1),
        VirtualMovementTraining("affine", data_format="channels_first"),
        labels,
    )
    expected = zoo.analysis.penalty_values(last, images, VirtualMovementTraining("affine"), labels)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_flattened_images(quadratics, images_pass, clean_pass):
    images = quadratics((5, 8), 2)
    shaped = images_pass(images)
    flat = clean_pass(
        lambda x: shaped.forward(ops.reshape(x, (-1, 5, 8, 2))),
        images.inputs.reshape(3, -1),
        lambda logits: logits[:, 0],
    )
    penalties = [
        values(VirtualMovementTraining("smooth", lattice_shape=lattice).penalty(clean))
        for lattice, clean in ((None, shaped), ([5, 8], flat))
    ]
    np.testing.assert_allclose(*penalties, rtol=RTOL)


def test_only_labeled_inputs_count(quadratics, images_pass):
    images = quadratics((7, 7), 1)
    each = np.linalg.norm(values(VirtualMovementTraining("shift").scores(images_pass(images))[0][1]), axis=1)
    clean = images_pass(images, num_labeled=2)
    clean.losses = lambda logits: logits[:2, 0]
    np.testing.assert_allclose(values(VirtualMovementTraining("shift").penalty(clean)), each[:2].mean(), rtol=RTOL)


def test_virtual_labels_are_the_networks_decisions(clean_pass, perceptron, rng):
    mlp, x = perceptron(num_inputs=9), rng.normal(size=(5, 9))
    decisions = mlp(x).argmax(axis=1)
    labels = np.r_[(decisions[:2] + 1) % 3, decisions[2:]]

    def losses(logits):
        return -ops.sum(ops.one_hot(labels[: logits.shape[0]], 3, dtype="float64") * log_softmax(logits), axis=-1)

    def log_softmax(logits):
        return logits - ops.expand_dims(ops.log(ops.sum(ops.exp(logits), axis=-1)), -1)

    all_labeled, two_labeled = (clean_pass(mlp.tensors, x, losses, num_labeled=n) for n in (5, 2))
    expected = VirtualMovementTraining("shift").scores(all_labeled)[0][1]
    actual = VirtualMovementTraining("shift", virtual_labels=True).scores(two_labeled)[0][1]
    np.testing.assert_allclose(values(actual), values(expected), rtol=1e-5)
    np.testing.assert_allclose(
        values(VirtualMovementTraining("shift", virtual_labels=True).penalty(two_labeled)),
        np.abs(values(expected)).mean(),
        rtol=1e-5,
    )
    assert len(VirtualMovementTraining("shift").scores(two_labeled)[0][1]) == 2


def test_virtual_labels_need_classes(clean_pass):
    one_output = clean_pass(
        lambda x: ops.sum(x, axis=-1, keepdims=True), np.ones((3, 4)), lambda y: y[:1, 0], num_labeled=1
    )
    with pytest.raises(ValueError, match="at least 2 classes, received 1"):
        VirtualMovementTraining("shift", virtual_labels=True).scores(one_output)


@pytest.mark.parametrize("normalization", ["example", "batch"])
@pytest.mark.parametrize("size", [1.0, 1e-15, 1e-18, 1e-35])
def test_gradients_of_every_size_have_unit_norm(normalization, size):
    gradient = ops.convert_to_tensor(size * np.array([[3.0, 4.0], [0.0, 12.0]]), "float32")
    unit = values(unit_gradient(gradient, normalization))
    expected = {"example": [[0.6, 0.8], [0, 1]], "batch": np.array([[3, 4], [0, 12]]) / 13}[normalization]
    np.testing.assert_allclose(unit, expected, rtol=1e-6)


@pytest.mark.parametrize("normalization", ["example", "batch"])
def test_a_zero_gradient_stays_zero(normalization):
    assert not np.any(values(unit_gradient(ops.zeros((2, 3)), normalization)))
