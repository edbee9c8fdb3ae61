"""Noise on weights and ties between them."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from zoo.regularizers import ParameterTying, WeightNoise
from zoo.regularizers.math.kernels import is_kernel, kernel_of
from zoo.training import RegularizedModel

RNG = np.random.default_rng(11)
NUM_OUTPUTS = 20000
X = RNG.normal(size=(6, 4))
STD = 0.3


def values(tensor):
    return ops.convert_to_numpy(tensor)


@pytest.fixture
def dense_pass(clean_pass, rng):
    """Linear regression with many outputs that each have separate noise, so one draw is a large sample."""

    def build(num_outputs=NUM_OUTPUTS, seen=None):
        layer = layers.Dense(num_outputs, dtype="float64", bias_initializer="normal")
        layer.build((None, 4))
        targets = ops.convert_to_tensor(values(layer(X)) + rng.normal(size=(6, num_outputs)))

        def forward(x, weights=()):
            if seen is not None:
                seen.extend(weights)
            with keras.StatelessScope(state_mapping=weights):
                return layer(x)

        clean = clean_pass(layer, X, lambda outputs: ops.mean(ops.square(outputs - targets), axis=-1))
        clean.forward, clean.variables = forward, layer.trainable_variables
        return clean, values(targets - clean.logits)

    return build


@pytest.fixture
def check_noise(dense_pass):
    """`E[penalty] = η·mean‖x‖²` for a squared loss, as `∇_W ŷ = x`."""

    def check(method):
        clean, residuals = dense_pass()
        covariance = X.T @ X / len(X)
        # For one output: the variance of nᵀCn and of the term linear in n.
        linear = 4 * STD**2 * np.sum(np.mean(residuals[:, None] * X[:, :, None], axis=0) ** 2) / NUM_OUTPUTS
        error = np.sqrt((2 * STD**4 * np.sum(covariance**2) + linear) / NUM_OUTPUTS)
        expected = STD**2 * np.trace(covariance)
        np.testing.assert_allclose(values(method.penalty(clean)), expected, rtol=0, atol=4 * error)

    return check


def test_weight_noise_in_linear_regression(check_noise):
    check_noise(WeightNoise(STD))


def test_check_notices_a_wrong_size(check_noise):
    with pytest.raises(AssertionError):
        check_noise(WeightNoise(1.1 * STD))


def test_check_notices_noise_on_biases(check_noise, monkeypatch):
    monkeypatch.setattr("zoo.regularizers.math.kernels.is_kernel", lambda variable: True)
    with pytest.raises(AssertionError):
        check_noise(WeightNoise(STD))


def test_kernels_alone_are_disturbed(dense_pass):
    seen = []
    clean, _ = dense_pass(3, seen)
    method = WeightNoise(STD)
    first, second = values(method.penalty(clean)), values(method.penalty(clean))
    assert [tuple(variable.shape) for variable, _ in seen] == [(4, 3)] * 2
    assert first != second
    assert not np.allclose(values(seen[0][1]), values(seen[1][1]))


def test_no_noise_is_no_penalty(dense_pass):
    np.testing.assert_allclose(values(WeightNoise(0.0).penalty(dense_pass(3)[0])), 0, atol=1e-7)
    with pytest.raises(ValueError, match="noise_std must be at least 0"):
        WeightNoise(-1.0)


def tied_model(regularizer):
    network = keras.Sequential(
        [
            layers.Dense(4, name="encoder"),
            layers.LayerNormalization(name="norm"),
            layers.Dense(4, name="decoder"),
            layers.Dense(2, name="logits"),
        ]
    )
    model = RegularizedModel(network, regularizer)
    model.build((None, 4))
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def penalty(model):
    model.objective(ops.convert_to_tensor(X.astype("float32")), ops.zeros(6, "int32"))
    return values(model.penalty_metrics[0].result())


def test_parameter_tying():
    model = tied_model(ParameterTying("encoder", "decoder"))
    first, second = (model.network.get_layer(name).get_weights()[0] for name in ("encoder", "decoder"))
    np.testing.assert_allclose(penalty(model), np.sum((first.astype("float64") - second) ** 2), rtol=1e-5)
    # Equal kernels have no penalty.
    np.testing.assert_array_equal(penalty(tied_model(ParameterTying("encoder", "encoder"))), 0)


@pytest.mark.parametrize(
    "names, message",
    [
        (("encoder", "decode"), "Unknown layer with a kernel 'decode'. Did you mean 'decoder'"),
        (("encoder", "norm"), "Unknown layer with a kernel 'norm'"),
        (("encoder", "logits"), r"the same shape, received 'encoder' of \(4, 4\) and 'logits' of \(4, 2\)"),
    ],
)
def test_layers_that_cannot_be_tied(names, message):
    with pytest.raises(ValueError, match=message):
        penalty(tied_model(ParameterTying(*names)))


def nested(*frozen):
    """Two submodels with layers of the same names, and a recurrent layer with two kernels."""
    parts = []
    for name in ("first", "second"):
        inputs = keras.Input((4,))
        outputs = layers.Dense(4, name="own")(layers.Dense(4, name="same", trainable=name not in frozen)(inputs))
        parts.append(keras.Model(inputs, outputs, name=name))
    recurrent = [layers.Reshape((2, 2)), layers.SimpleRNN(2, name="recurrent")]
    return keras.Sequential([keras.Input((4,)), *parts, *recurrent])


@pytest.mark.parametrize("frozen", [(), ("first",)])
def test_a_name_for_several_kernels_is_refused_and_more_of_the_path_tells_them_apart(frozen):
    variables = nested(*frozen).variables
    for name, kernels in [("same", "same/kernel, .*same/kernel"), ("simple_rnn_cell", "recurrent_kernel")]:
        with pytest.raises(ValueError, match=f"'{name}' names several kernels: .*{kernels}"):
            kernel_of(name, variables)
    (recurrent,) = (v for v in variables if v.name == "recurrent_kernel")
    assert kernel_of("recurrent/simple_rnn_cell/recurrent_kernel", variables) is recurrent


def test_a_layer_may_be_tied_to_a_frozen_one():
    model = tied_model(ParameterTying("encoder", "decoder"))
    expected = penalty(model)
    model.network.get_layer("encoder").trainable = False
    np.testing.assert_allclose(penalty(model), expected, rtol=1e-6)


def test_slopes_and_biases_of_any_shape_are_no_kernels():
    attention, slopes = layers.MultiHeadAttention(2, 3), layers.PReLU()
    attention.build((None, 4, 5), (None, 4, 5))
    slopes.build((None, 4, 5))
    variables = [*attention.variables, *slopes.variables]
    kernels = [variable.name for variable in variables if is_kernel(variable)]
    assert kernels == ["kernel"] * 4


def test_multiplicative_noise_is_a_share_of_each_weight(dense_pass):
    seen = []
    clean, _ = dense_pass(seen=seen)
    WeightNoise(STD, kind="multiplicative").penalty(clean)
    ((variable, noisy),) = seen
    shares = values(noisy) / values(variable) - 1
    assert abs(shares.std() - STD) < 4 * STD / np.sqrt(2 * shares.size)
    assert abs(shares.mean()) < 4 * STD / np.sqrt(shares.size)
    size = np.abs(values(variable))
    assert abs(np.corrcoef(size.ravel(), np.abs(shares).ravel())[0, 1]) < 4 / np.sqrt(shares.size)
    with pytest.raises(ValueError, match="Unknown kind 'multiplied'. Did you mean 'multiplicative'"):
        WeightNoise(STD, kind="multiplied")
