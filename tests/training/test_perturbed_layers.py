"""The outputs of named layers as the tensor that penalties move."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo
from zoo.regularizers import METHODS, build
from zoo.training.outputs import outputs_of
from zoo.training.passes import run_passes

AT, VAT, VMT = zoo.AdversarialTraining, zoo.VirtualAdversarialTraining, zoo.VirtualMovementTraining
RNG = np.random.default_rng(0)
WORDS, LENGTH, WIDTH = 9, 5, 4
TOKENS = RNG.integers(1, WORDS, (12, LENGTH))
PADDED = np.where(np.arange(LENGTH) < RNG.integers(2, LENGTH + 1, (12, 1)), TOKENS, 0)
Y = (np.arange(12) % 3).astype("int32")


@keras.saving.register_keras_serializable(package="tests")
class Total(layers.Layer):
    """The sum over the positions that a mask leaves. Keras's mean computes in single precision on JAX."""

    def call(self, x, mask=None):
        return ops.sum(x if mask is None else x * ops.cast(mask, x.dtype)[..., None], axis=1)


class Embedded(layers.Layer):
    """Embeds tokens and their positions, in a layer of its own."""

    def __init__(self, **options):
        super().__init__(**options)
        self.tokens = layers.Embedding(WORDS, WIDTH, name="embedding")
        self.positions = layers.Embedding(LENGTH, WIDTH, name="positions")

    def call(self, x):
        return self.tokens(x) + self.positions(ops.arange(LENGTH))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.embedding = layers.Embedding(WORDS, WIDTH, name="embedding")
        self.hidden = layers.Dense(3, activation="softplus")
        self.logits = layers.Dense(3)

    def call(self, x):
        return self.logits(ops.mean(self.hidden(self.embedding(x)), axis=1))


def functional():
    tokens = keras.Input((LENGTH,), dtype="int32")
    hidden = layers.Dense(3, activation="softplus")(layers.Embedding(WORDS, WIDTH, name="embedding")(tokens))
    return keras.Model(tokens, layers.Dense(3)(Total()(hidden)))


def tail():
    return [layers.Dense(3, activation="softplus"), Total(), layers.Dense(3)]


def nested():
    inner = keras.Sequential([keras.Input((LENGTH,)), layers.Embedding(WORDS, WIDTH, name="embedding")])
    return keras.Sequential([keras.Input((LENGTH,)), keras.Sequential([keras.Input((LENGTH,)), inner]), *tail()])


def masked():
    embedding = layers.Embedding(WORDS, WIDTH, mask_zero=True, name="embedding")
    return keras.Sequential([keras.Input((LENGTH,)), embedding, *tail()])


NETWORKS = {
    "functional": functional,
    "nested": nested,
    "subclassed": Subclassed,
    "in_a_layer": lambda: keras.Sequential([keras.Input((LENGTH,)), Embedded(), *tail()]),
    "masked": masked,
}


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


@pytest.mark.parametrize("kind", NETWORKS)
def test_every_kind_of_network_trains_and_only_its_penalty_moves_the_layer(kind, model, fit, quick):
    network = NETWORKS[kind]()
    trained = model(network, VAT(1.0) + AT(0.5), perturb="embedding", **quick)
    history = fit(trained, PADDED, Y)
    assert history["vat"][0] > 1e-5 and history["at"][0] > 0
    assert not any("call" in vars(layer) for layer in network._flatten_layers())
    np.testing.assert_allclose(trained.predict(PADDED, verbose=0), network.predict(PADDED, verbose=0), rtol=1e-5)


def test_a_compiled_step_gives_the_same_weights(model, fit):
    first, second = (keras.models.clone_model(masked()) for _ in range(2))
    second.set_weights(first.get_weights())
    eager = model(first, AT(0.5) + zoo.JacobianPenalty(), perturb="embedding", run_eagerly=True)
    compiled = model(second, AT(0.5) + zoo.JacobianPenalty(), perturb="embedding", jit_compile=True)
    fit(eager, PADDED, Y)
    fit(compiled, PADDED, Y)
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


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


@pytest.mark.parametrize("regularizer", [zoo.JacobianPenalty(), AT(0.7, num_steps=2), AT(0.7, noise="scaled_l2")])
def test_padding_changes_nothing(regularizer, model, fit, quick):
    network = masked()
    longer = keras.Sequential([keras.Input((None,)), *network.layers])
    short, padded = TOKENS[:, :3], np.pad(TOKENS[:, :3], ((0, 0), (0, 2)))
    values = []
    for x in (short, padded):
        trained = model(longer, regularizer, perturb="embedding", optimizer=keras.optimizers.SGD(0.0), **quick)
        values.append(fit(trained, x, Y)[regularizer.metric_name])
    np.testing.assert_allclose(values[0], values[1], rtol=1e-4)


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


def test_unlabeled_text_takes_part(model, fit, quick):
    batches = zoo.datasets.SemiSupervised(PADDED, Y, TOKENS, batch_size=4, unlabeled_batch_size=6)
    assert fit(model(masked(), VAT(1.0) + AT(1.0), perturb="embedding", **quick), batches)["vat"][0] > 0


def test_movements_of_feature_maps(model, fit, quick, data):
    images = RNG.normal(size=(24, 8, 8, 1)).astype("float32")
    convolutions = [
        layers.Conv2D(2, 3, name="maps"),
        layers.ReLU(),
        layers.Conv2D(3, 3),
        layers.GlobalAveragePooling2D(),
    ]
    network = keras.Sequential([keras.Input((8, 8, 1)), *convolutions])
    trained = model(network, VMT("shift"), perturb="maps", optimizer=keras.optimizers.SGD(0.0), **quick)
    maps = keras.Sequential([keras.Input((6, 6, 2)), *network.layers[1:]])
    alone = model(maps, VMT("shift"), optimizer=keras.optimizers.SGD(0.0), **quick)
    expected = fit(alone, network.layers[0](images[:8]), data[1][:8])["vmt_shift"]
    np.testing.assert_allclose(fit(trained, images[:8], data[1][:8])["vmt_shift"], expected, rtol=1e-4)


def test_the_names_are_saved(tmp_path, model, fit, quick):
    trained = model(masked(), VAT(1.0), perturb=["embedding"], **quick)
    fit(trained, PADDED, Y)
    trained.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert list(loaded.perturb) == ["embedding"] and fit(loaded, PADDED, Y)["vat"][0] > 0
    assert "perturb" not in zoo.RegularizedModel(masked(), zoo.EntropyMinimization()).get_config()


EXAMPLES = {
    "at": {"epsilon": 0.5, "noise": "scaled_l2"},
    "tangent": {"field": "shift"},
    "trades": {"epsilon": 0.5, "norm": "l2", "num_steps": 2},
    "vat": {"epsilon": 0.5},
    "entropy": {},
    "smoothness": {"epsilon": 0.1},
    "jacobian": {"num_projections": 2},
    "weight_noise": {"noise_std": 0.1},
    "parameter_tying": {"first": "tied_1", "second": "tied_2"},
    "norm_constraint": {"bound": 1.0},
    "vmt": {"field": "shift"},
}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_trains_or_says_why_not(method, model, fit, quick):
    embedding = layers.Embedding(WORDS, WIDTH, mask_zero=True, name="embedding")
    tied = [layers.Dense(WIDTH, name=name) for name in ("tied_1", "tied_2")]
    network = keras.Sequential([keras.Input((LENGTH,)), embedding, *tied, *tail()])
    regularizer = build({method: EXAMPLES[method]})
    trained = model(network, regularizer, perturb="embedding", **quick)
    if regularizer.needs_lattice:
        with pytest.raises(ValueError, match="the output of 'embedding' has padding"):
            fit(trained, PADDED, Y)
    else:
        assert np.isfinite(fit(trained, PADDED, Y)[regularizer.metric_name]).all()


class Twice(keras.Model):
    def __init__(self, times):
        super().__init__()
        self.times, self.embedding, self.logits = times, layers.Embedding(WORDS, 3, name="embedding"), layers.Dense(3)

    def call(self, x):
        total = sum(ops.mean(self.embedding(x), axis=1) for _ in range(self.times))
        return self.logits(total) if self.times else self.logits(ops.cast(x, "float32"))


def same_names():
    def inner(name):
        embedding = layers.Embedding(WORDS, WIDTH, name="embedding")
        return keras.Sequential([keras.Input((LENGTH,)), embedding, layers.GlobalAveragePooling1D()], name=name)

    tokens = keras.Input((LENGTH,))
    return keras.Model(tokens, layers.Dense(3)(layers.Add()([inner("a")(tokens), inner("b")(tokens)])))


WRONG = {
    "unknown": (masked, "embeding", "Unknown layer in perturb 'embeding'. Did you mean 'embedding'"),
    "twice": (lambda: Twice(2), "embedding", "'embedding', which runs 2 times"),
    "never": (lambda: Twice(0), "embedding", "'embedding', which runs 0 times"),
    "same_names": (same_names, "embedding", "must name one layer, but 2 layers have this name"),
    "not_per_example": (NETWORKS["in_a_layer"], "positions", "'positions' returns 5 rows for 8 examples"),
}


@pytest.mark.parametrize("case", WRONG)
def test_layers_that_cannot_be_perturbed(case, model, fit, quick):
    network, perturb, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        fit(model(network(), VAT(1.0), perturb=perturb, **quick), PADDED, Y)
