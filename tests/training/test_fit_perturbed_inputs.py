"""Training with penalties that move several inputs, or parts of inputs."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo
from tests.support.several_inputs import MASK, X, Y, classifier

AT, VAT, VMT = zoo.AdversarialTraining, zoo.VirtualAdversarialTraining, zoo.VirtualMovementTraining


@pytest.mark.parametrize("regularizer", [VAT(1.0), VAT(1.0, xi=0.1), AT(1.0), zoo.JacobianPenalty()])
def test_several_inputs_train_as_one_joint_input(regularizer, model, fit, quick):
    """With scale s, the network of several inputs is one of a single input that multiplies by s."""
    several = classifier()
    vector = keras.Input((5,))
    parts = {"age": 2.0 * vector[:, :1], "city": 0 * vector[:, :1], "image": layers.Reshape((2, 2))(vector[:, 1:])}
    joint = keras.Model(vector, several(parts))
    perturb = {"image": 1.0, "age": 2.0}
    x = {**X, "city": np.zeros((24, 1), "int32")}
    one = np.concatenate([x["age"] / 2, x["image"].reshape(24, 4)], axis=1)
    weights = several.get_weights()
    expected = fit(model(joint, regularizer, **quick), one, Y)
    several.set_weights(weights)
    found = fit(model(several, regularizer, perturb=perturb, **quick), x, Y, batch_size=8)
    assert expected.keys() == found.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4)


class Subclassed(keras.Model):
    """A network that takes a dictionary or a list, whichever it receives."""

    def __init__(self):
        super().__init__()
        self.logits = layers.Dense(3)

    def call(self, x):
        return self.logits(ops.concatenate([ops.reshape(each, (-1, 1)) for each in keras.tree.flatten(x)], axis=-1))


@pytest.mark.parametrize("x", [{"a": X["age"], "b": X["age"] + 1}, [X["age"], X["age"] + 1], {"a": X["age"]}])
def test_subclassed_networks_take_dictionaries_and_lists(x, model, fit, quick):
    trained = model(Subclassed(), VAT(1.0), **quick)
    assert trained.predict(x, verbose=0).shape == (24, 3)
    assert fit(trained, x, Y, batch_size=8, validation_data=(x, Y))["vat"][0] > 0
    assert trained.evaluate(x, Y, verbose=0) > 0


@pytest.mark.parametrize("in_dictionary", [False, True])
def test_one_named_input_may_come_in_a_dictionary(in_dictionary, model, fit, quick, assert_same_weights, recwarn):
    def network():
        keras.utils.set_random_seed(3)
        age = keras.Input((1,), name="age")
        return keras.Model({"age": age} if in_dictionary else age, layers.Dense(3)(age))

    ways = [X["age"], {"age": X["age"]}, [X["age"]], {"age": X["age"], "unused": X["image"]}]
    trained = [model(network(), VAT(1.0) + AT(0.5), **quick) for _ in ways]
    for each, x in zip(trained, ways, strict=True):
        fit(each, x, Y, batch_size=12)
        assert_same_weights(each, trained[0])
        np.testing.assert_array_equal(each.predict(x, verbose=0), trained[0].predict(X["age"], verbose=0))
    assert not [warning for warning in recwarn if "structure of `inputs`" in str(warning.message)]


def test_columns_without_an_axis_train_like_columns_with_one(model, fit, quick, assert_same_weights):
    flat = {**X, "age": X["age"][:, 0], "city": X["city"][:, 0]}
    first, second = model(classifier(), VAT(1.0), **quick), model(classifier(), VAT(1.0), **quick)
    fit(first, X, Y, batch_size=8)
    fit(second, flat, Y, batch_size=8)
    assert_same_weights(first, second)


def test_unlabeled_inputs_take_part(model, fit, quick):
    unlabeled = {name: np.concatenate([each, each]) for name, each in X.items()}
    batches = zoo.datasets.SemiSupervised(X, Y, unlabeled, batch_size=8, unlabeled_batch_size=16)
    trained = model(classifier(), VAT(1.0) + AT(0.5), **quick)
    assert fit(trained, batches)["vat"][0] > 0
    assert trained.predict(X, verbose=0).shape == (24, 3)


def test_an_array_is_the_scale_of_a_single_input(data, model, fit, quick, assert_same_weights):
    x, y = data

    def network():
        keras.utils.set_random_seed(3)
        return keras.Sequential([keras.Input((6,), name="vector"), layers.Dense(3)])

    alone, named = (
        model(network(), VAT(1.0), perturb=perturb, **quick)
        for perturb in ([1, 0, 0, 1, 2, 1], {"vector": np.array([1, 0, 0, 1, 2, 1])})
    )
    fit(alone, x, y)
    fit(named, x, y)
    assert_same_weights(alone, named)


def test_scales_are_saved(tmp_path, model, fit, quick):
    trained = model(classifier(), VAT(1.0), perturb={"image": MASK, "age": 0.5}, **quick)
    fit(trained, X, Y, batch_size=8)
    trained.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.perturb["image"], MASK)
    assert loaded.perturb["age"] == 0.5 and loaded.raw_input_shape == trained.raw_input_shape
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), trained.predict(X, verbose=0))
    assert fit(loaded, X, Y, batch_size=8)["vat"][0] > 0


def test_a_single_moving_image_keeps_its_lattice(model, fit, quick):
    trained = model(classifier(), VMT("shift"), perturb={"image": 1.0}, **quick)
    assert fit(trained, X, Y, batch_size=8)["vmt_shift"][0] > 0
    image = keras.Input((2, 2))
    rest = {"image": image, "age": ops.zeros_like(image[:, 0, :1]), "city": ops.zeros_like(image[:, 0, :1])}
    alone = keras.Model(image, trained.network(rest))
    x = {**X, "age": np.zeros((24, 1), "float32"), "city": np.zeros((24, 1), "int32")}
    expected = fit(model(alone, VMT("shift"), optimizer=keras.optimizers.SGD(0.0), **quick), X["image"], Y)
    again = model(trained.network, VMT("shift"), optimizer=keras.optimizers.SGD(0.0), perturb={"image": 3.0}, **quick)
    np.testing.assert_allclose(fit(again, x, Y, batch_size=8)["vmt_shift"], expected["vmt_shift"], rtol=1e-4)


WRONG = {
    "unknown": (VAT(1.0), {"imag": 1.0}, "Unknown input in perturb 'imag'. Did you mean 'image'"),
    "integers": (VAT(1.0), {"city": 1.0}, "cannot move the input 'city'.*int.*perturb='embedding'"),
    "shape": (VAT(1.0), {"image": np.ones(3)}, r"'image' must be a number or fit .* \(2, 2\), received shape \(3,\)"),
    "unnamed": (VAT(1.0), np.ones(6), "several inputs: perturb= must name them"),
    "nothing": (VAT(1.0), {"image": 0.0}, "received none.*perturb='cities'"),
    "no_lattice": (VMT("shift"), None, "moves positions on a lattice.*joins entries of the inputs 'age', 'image'"),
    "part_of_lattice": (VMT("shift"), {"image": MASK}, "moves positions on a lattice.*inputs 'image'"),
    "range": (VAT(1.0, input_range=(0, 1)), {"image": 2.0}, "input_range=.* units of the input"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_move_is_refused(case, model, fit, quick):
    regularizer, perturb, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        fit(model(classifier(), regularizer, perturb=perturb, **quick), X, Y, batch_size=8)
