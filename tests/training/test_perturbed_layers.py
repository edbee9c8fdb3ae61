"""The outputs of named layers as the tensor that penalties move."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo
from tests.support.token_networks import LENGTH, NETWORKS, PADDED, TOKENS, WIDTH, Y, masked
from zoo.training.outputs import outputs_of
from zoo.training.passes import run_passes

AT, VAT = zoo.AdversarialTraining, zoo.VirtualAdversarialTraining
RNG = np.random.default_rng(0)


def passes(network, perturb, x, linearized=True):
    model = zoo.RegularizedModel(network, VAT(1.0), perturb=perturb, seed=1)
    model.build(x.shape)
    inputs, _ = model.prepare(ops.convert_to_tensor(x))
    return run_passes(model, inputs, outputs_of("mse"), linearized=linearized)


def random(like):
    return ops.convert_to_tensor(RNG.normal(size=tuple(like.shape)))


@pytest.fixture
def double():
    keras.config.set_floatx("float64")
    keras.mixed_precision.set_dtype_policy("float64")


def logits_with_table(network, embedding, x, change):
    """An independent reference: each word of each example is a word of its own, with its own row in the table."""
    table = ops.convert_to_numpy(embedding.embeddings)
    rows = table[x] + change
    own = np.concatenate([np.zeros((1, WIDTH)), rows.reshape(-1, WIDTH)])
    fresh = keras.Sequential(
        [keras.Input(x.shape[1:]), layers.Embedding(len(own), WIDTH, mask_zero=embedding.mask_zero)]
    )
    fresh.layers[0].set_weights([own])
    tokens = np.where((x == 0) & embedding.mask_zero, 0, 1 + np.arange(x.size).reshape(x.shape))
    rest = [layer for layer in network.layers if not isinstance(layer, layers.InputLayer)][1:]
    return ops.convert_to_numpy(keras.Sequential([fresh, *rest])(tokens))


@pytest.mark.parametrize("kind", ["functional", "nested", "masked"])
def test_products_with_the_jacobian_against_finite_differences(kind, double):
    network, x = NETWORKS[kind](), PADDED if kind == "masked" else TOKENS
    found = passes(network, "embedding", x)
    embedding = next(each for each in network._flatten_layers() if each.name == "embedding")
    real = (x > 0)[..., None] if kind == "masked" else np.ones_like(x)[..., None]
    np.testing.assert_allclose(found.inputs, ops.convert_to_numpy(embedding.embeddings)[x], rtol=1e-12)
    tangents, cotangents = random(found.inputs), random(found.logits)
    step = 1e-5 * np.asarray(tangents) * real
    ends = [logits_with_table(network, embedding, x, sign * step) for sign in (1, -1)]
    pushed = ops.convert_to_numpy(found.jvp(tangents))
    np.testing.assert_allclose(pushed, (ends[0] - ends[1]) / 2e-5, rtol=1e-6, atol=1e-9)
    pulled = ops.convert_to_numpy(found.vjp(cotangents))
    np.testing.assert_allclose(
        np.sum(pulled * np.asarray(tangents)), np.sum(pushed * np.asarray(cotangents)), rtol=1e-9
    )
    assert np.all(pulled[~np.broadcast_to(real > 0, pulled.shape)] == 0)
    for rows in (len(x), 5):
        moved = found.forward((found.inputs + tangents)[:rows])
        expected = logits_with_table(network, embedding, x, np.asarray(tangents) * real)[:rows]
        np.testing.assert_allclose(ops.convert_to_numpy(moved), expected, rtol=1e-9)


@pytest.mark.parametrize("perturb", ["embedding", ["embedding", "hidden"], "hidden"])
def test_gradient_in_the_weights_against_finite_differences(perturb, double, model, gradients, objective, monkeypatch):
    monkeypatch.setattr(ops, "mean", lambda x, axis=None: ops.sum(x, axis) / x.shape[axis or 0])  # double on JAX too
    network = masked()
    network.layers[1].name = "hidden"
    regularizer = zoo.JacobianPenalty() + zoo.Smoothness(0.5) + zoo.WeightNoise(0.1)
    trained = model(network, regularizer, perturb=perturb)
    trained.build(PADDED.shape)
    _, analytic = gradients(trained, PADDED, Y)
    _, plain = gradients(model(network, None), PADDED, Y)
    for index, variable in enumerate(network.trainable_variables):
        start, direction = ops.convert_to_numpy(variable.value), RNG.normal(size=variable.shape)
        ends = []
        for distance in (1e-5, -1e-5):
            variable.assign(start + distance * direction)
            ends.append(objective(trained, PADDED, Y))
        variable.assign(start)
        slope = (ends[0] - ends[1]) / 2e-5
        np.testing.assert_allclose(np.sum(analytic[index] * direction), slope, rtol=1e-5, atol=1e-8)
    assert np.abs(analytic[0] - plain[0]).max() > 1e-4


def test_random_directions_have_norm_one_over_the_real_positions():
    found = passes(masked(), "embedding", PADDED, linearized=False)
    clean_pass = zoo.regularizers.CleanPass(
        inputs=found.inputs,
        logits=found.logits,
        forward=found.forward,
        losses=lambda logits: logits,
        num_labeled=12,
        seed=keras.random.SeedGenerator(0),
        moved=found.perturbed.moved,
    )
    direction = ops.convert_to_numpy(clean_pass.random_direction())
    assert np.all(direction[PADDED == 0] == 0) and np.all(direction[PADDED > 0] != 0)
    np.testing.assert_allclose(np.linalg.norm(direction.reshape(12, -1), axis=1), 1, rtol=1e-5)
    moved = np.broadcast_to((PADDED > 0)[..., None], direction.shape)
    np.testing.assert_array_equal(ops.convert_to_numpy(found.perturbed.moved), moved)


def test_all_passes_see_the_same_dropout_masks():
    embedding, *rest = masked().layers
    network = keras.Sequential([keras.Input((LENGTH,)), embedding, layers.Dropout(0.5, name="drop"), *rest])
    seeds = [v.value for v in network.variables if "seed" in v.path]
    before = ops.convert_to_numpy(seeds[0]).copy()
    found = passes(network, "drop", PADDED)
    dropped = ops.convert_to_numpy(found.inputs)[PADDED > 0] == 0
    assert 0.2 < dropped.mean() < 0.8
    np.testing.assert_allclose(found.forward(found.inputs), found.logits, rtol=1e-6)
    after = next(v.value for v in network.variables if "seed" in v.path)
    assert np.any(ops.convert_to_numpy(after) != before)


def test_random_starts_fill_the_ball_of_the_real_positions():
    """Without steps the norm r of the start is uniform in the ball: `(r/ε)^d` is uniform, for d entries that move."""
    attack = AT(0.7, norm="l2", num_steps=1, step_size=0.0, random_start=True)
    tokens = np.zeros((400, 200), "int32")
    tokens[:, :2] = 1
    moved = np.repeat(tokens[..., None] > 0, WIDTH, axis=-1).astype("float32")
    inputs = ops.zeros((400, 200, WIDTH))
    clean_pass = zoo.regularizers.CleanPass(
        inputs=inputs,
        logits=ops.zeros((400, 3)),
        forward=lambda x, weights=(): ops.mean(x, axis=1)[:, :3],
        losses=lambda logits: ops.sum(logits**2, axis=-1),
        num_labeled=400,
        seed=keras.random.SeedGenerator(0),
        moved=ops.convert_to_tensor(moved),
    )
    start = ops.convert_to_numpy(attack.perturbed_inputs(clean_pass))
    assert not start[moved == 0].any()
    shares = (np.linalg.norm(start.reshape(400, -1), axis=1) / 0.7) ** (2 * WIDTH)
    for t in (0.3, 0.6, 0.9):
        assert abs(np.mean(shares <= t) - t) < 4 * np.sqrt(t * (1 - t) / 400)


def test_random_starts_leave_padding_alone():
    attack = AT(0.7, norm="l2", num_steps=2, random_start=True)
    found = passes(masked(), "embedding", PADDED, linearized=False)
    clean_pass = zoo.regularizers.CleanPass(
        inputs=found.inputs,
        logits=found.logits,
        forward=found.forward,
        losses=lambda logits: ops.sum(logits**2, axis=-1),
        num_labeled=12,
        seed=keras.random.SeedGenerator(0),
        moved=found.perturbed.moved,
    )
    change = ops.convert_to_numpy(attack.perturbed_inputs(clean_pass) - found.inputs)
    assert np.all(change[PADDED == 0] == 0) and np.all(np.abs(change[PADDED > 0]).sum(axis=-1) > 0)


def test_several_layers_share_one_norm():
    network = masked()
    network.layers[1].name = "hidden"
    found = passes(network, ["hidden", "embedding"], PADDED)
    assert found.inputs.shape == (12, LENGTH * (WIDTH + 3))
    single = passes(network, "embedding", PADDED)
    pulled, alone = (each.vjp(ops.ones_like(each.logits)) for each in (found, single))
    np.testing.assert_allclose(pulled[:, : LENGTH * WIDTH], ops.reshape(alone, (12, -1)), rtol=1e-5, atol=1e-7)


def test_a_layer_without_padding_moves_whole_beside_one_with_padding():
    network = keras.Sequential([keras.Input((LENGTH,)), *masked().layers, layers.Dense(2)])
    network.layers[3].name = "pooled"
    found = passes(network, ["embedding", "pooled"], PADDED, linearized=False)
    words = np.repeat(PADDED > 0, WIDTH, axis=1)
    expected = np.concatenate([words, np.ones((12, 3))], axis=1)
    np.testing.assert_array_equal(ops.convert_to_numpy(found.perturbed.moved), expected)
