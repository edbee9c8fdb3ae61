"""Training with penalties that move the outputs of named layers."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo
from tests.support.token_networks import LENGTH, NETWORKS, PADDED, TOKENS, WIDTH, WORDS, Y, masked, tail
from zoo.regularizers import REGULARIZERS, build

AT, VAT, VMT = zoo.AdversarialTraining, zoo.VirtualAdversarialTraining, zoo.VirtualMovementTraining


@pytest.mark.parametrize("kind", NETWORKS)
def test_every_kind_of_network_trains_and_only_its_penalty_moves_the_layer(kind, model, fit, quick):
    network = NETWORKS[kind]()
    trained = model(network, VAT(1.0) + AT(0.5), perturb="embedding", **quick)
    history = fit(trained, PADDED, Y, batch_size=12)
    assert history["vat"][0] > 1e-5 and history["at"][0] > 0
    assert not any("call" in vars(layer) for layer in network._flatten_layers())
    np.testing.assert_allclose(trained.predict(PADDED, verbose=0), network(PADDED), rtol=1e-5)


def test_a_compiled_step_gives_the_same_weights(model, fit):
    first, second = (keras.models.clone_model(masked()) for _ in range(2))
    second.set_weights(first.get_weights())
    eager = model(first, AT(0.5) + zoo.JacobianPenalty(), perturb="embedding", run_eagerly=True)
    compiled = model(second, AT(0.5) + zoo.JacobianPenalty(), perturb="embedding", jit_compile=True)
    for each in (eager, compiled):
        fit(each, PADDED, Y, batch_size=12)  # all of them, because XLA compiles each size anew
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


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


def test_unlabeled_text_takes_part(model, fit, quick):
    batches = zoo.datasets.SemiSupervised(PADDED, Y, TOKENS, batch_size=4, unlabeled_batch_size=6)
    assert fit(model(masked(), VAT(1.0) + AT(1.0), perturb="embedding", **quick), batches)["vat"][0] > 0


def test_movements_of_feature_maps(model, fit, quick, data):
    images = np.random.default_rng(0).normal(size=(24, 8, 8, 1)).astype("float32")
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
    "mart": {"epsilon": 0.5, "num_steps": 2},
    "awp": {"regularizer": {"trades": {"epsilon": 0.5, "num_steps": 2}}},
    "entropy": {},
    "smoothness": {"epsilon": 0.1},
    "jacobian": {"num_projections": 2},
    "weight_noise": {"noise_std": 0.1},
    "parameter_tying": {"first": "tied_1", "second": "tied_2"},
    "norm_constraint": {"bound": 1.0},
    "vmt": {"field": "shift"},
}


@pytest.mark.parametrize("method", REGULARIZERS)
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


class Pieces(layers.Layer):
    """Returns several tensors, or integers."""

    def call(self, x):
        return [x, x] if self.name == "pair" else ops.cast(x, "int32")


def after_pieces(name):
    tokens = keras.Input((LENGTH,))
    pieces = Pieces(name=name)(tokens)
    total = layers.Add()(pieces) if name == "pair" else ops.cast(pieces, "float32")
    return keras.Model(tokens, layers.Dense(3)(total))


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
    "several_outputs": (lambda: after_pieces("pair"), "pair", r"one floating-point tensor, but 'pair' returns \["),
    "integers": (lambda: after_pieces("whole"), "whole", "one floating-point tensor, but 'whole' returns .*int32"),
    "not_per_example": (NETWORKS["in_a_layer"], "positions", "'positions' returns 5 rows for 8 examples"),
}


@pytest.mark.parametrize("case", WRONG)
def test_layers_that_cannot_be_perturbed(case, model, fit, quick):
    network, perturb, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        fit(model(network(), VAT(1.0), perturb=perturb, **quick), PADDED, Y)
