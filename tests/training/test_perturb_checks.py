"""What penalties and attacks cannot move is refused, with what to name instead."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo
from zoo.training.perturb_checks import check_floating, check_lattice, check_reached, may_cut
from zoo.training.perturbed_inputs import JointInputs, WholeInput

VAT = zoo.VirtualAdversarialTraining(1.0)
RNG = np.random.default_rng(0)
TOKENS, Y = RNG.integers(0, 9, (24, 6)), (np.arange(24) % 3).astype("int32")
MOVING = {
    "vat": VAT,
    "vat_xi": zoo.VirtualAdversarialTraining(1.0, xi=0.1),
    "random": zoo.VirtualAdversarialTraining(1.0, direction="random"),
    "at": zoo.AdversarialTraining(1.0),
    "smoothness": zoo.Smoothness(1.0),
    "jacobian": zoo.JacobianPenalty(),
    "vmt": zoo.VirtualMovementTraining("shift"),
}


class Embedded(layers.Layer):
    """An embedding in a layer of its own."""

    def __init__(self, **options):
        super().__init__(**options)
        self.words = layers.Embedding(9, 4, name="words")

    def call(self, x):
        return ops.mean(self.words(x), axis=1)


def nested():
    inner = [keras.Input((6,)), layers.Embedding(9, 4, name="words"), layers.GlobalAveragePooling1D()]
    return keras.Sequential([keras.Input((6,)), keras.Sequential(inner), layers.Dense(3)])


TEXT = {
    "first": lambda: keras.Sequential([keras.Input((6,)), layers.Embedding(9, 4, name="words"), layers.Flatten()]),
    "nested": nested,
    "in_a_layer": lambda: keras.Sequential([keras.Input((6,)), Embedded(), layers.Dense(3)]),
    "unbuilt": lambda: keras.Sequential([Embedded(), layers.Dense(3)]),
}


@pytest.mark.parametrize("kind", TEXT)
@pytest.mark.parametrize("penalty", MOVING)
def test_indices_into_an_embedding_are_refused_by_its_name(kind, penalty, model, fit, quick):
    with pytest.raises(ValueError, match=r"perturb='words'"):
        fit(model(TEXT[kind](), MOVING[penalty], **quick), TOKENS, Y)


def test_integer_inputs_are_refused(model, fit, quick):
    network = keras.Sequential([keras.Input((6,), dtype="int32"), *nested().layers])
    with pytest.raises(ValueError, match="cannot be integers.*perturb='words'"):
        fit(model(network, VAT, **quick), TOKENS, Y)


@pytest.mark.parametrize("regularizer", [None, zoo.EntropyMinimization(), zoo.WeightNoise(0.1)])
def test_text_trains_with_penalties_that_move_nothing(regularizer, model, fit, quick):
    assert np.isfinite(fit(model(nested(), regularizer, **quick), TOKENS, Y)["loss"]).all()


def test_an_index_among_several_inputs_is_named(model, fit, quick):
    def network():
        city, age = keras.Input((1,), name="city"), keras.Input((1,), name="age")  # both in floating point
        words = layers.Flatten()(layers.Embedding(9, 2, name="words")(city))
        return keras.Model({"city": city, "age": age}, layers.Dense(3)(layers.Concatenate()([words, age])))

    x = {"city": TOKENS[:, :1].astype("float32"), "age": RNG.normal(size=(24, 1)).astype("float32")}
    with pytest.raises(ValueError, match=r"no derivative in input 'city'.*perturb=\{name: 1.0\}"):
        fit(model(network(), VAT, **quick), x, Y, batch_size=8)
    assert fit(model(network(), VAT, perturb={"age": 1.0}, **quick), x, Y, batch_size=8)["vat"][0] > 0


def test_an_embedding_of_positions_is_no_index_of_the_input(model, fit, quick):
    class Positions(layers.Layer):
        def __init__(self):
            super().__init__()
            self.table = layers.Embedding(6, 1)

        def call(self, x):
            return x + ops.reshape(self.table(ops.arange(6)), (1, 6))

    network = keras.Sequential([keras.Input((6,)), Positions(), layers.Dense(3)])
    assert fit(model(network, VAT, **quick), RNG.normal(size=(24, 6)).astype("float32"), Y)["vat"][0] > 0


def test_the_check_takes_no_pass_where_every_layer_has_derivatives(network):
    def run(x):
        raise AssertionError("a pass ran")

    check_reached(network(), WholeInput(ops.ones((2, 6))), run)


def test_plain_functions_have_no_layers_to_check():
    whole = WholeInput(ops.ones((2, 6)))
    assert not may_cut(ops.square) and may_cut(TEXT["nested"]())
    check_reached(ops.square, whole, lambda x: 0 * x)
    check_floating(None, whole)
    with pytest.raises(ValueError, match="received int32.*perturb='embedding'"):
        check_floating(ops.square, WholeInput(ops.ones((2, 6), "int32")))


def test_a_joint_vector_has_no_lattice():
    check_lattice("An attack", WholeInput(ops.ones((2, 6, 6, 1))))
    with pytest.raises(
        ValueError, match="^An attack moves positions on a lattice.*joins entries of the inputs '0', '1'"
    ):
        check_lattice("An attack", JointInputs([ops.ones((2, 6)), ops.ones((2, 6))], None, None))
