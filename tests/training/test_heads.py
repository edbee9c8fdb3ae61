"""Networks with several outputs: penalties look at one of them, losses are Keras's."""

import keras
import numpy as np
import pytest
from keras import layers, losses, ops

import zoo
from zoo.training.heads import key_of, pick, put

CROSSENTROPY = losses.SparseCategoricalCrossentropy(from_logits=True)
PENALTIES = zoo.VirtualAdversarialTraining(1.0) + zoo.AdversarialTraining(0.5)


class Subclassed(keras.Model):
    """Returns its outputs in a list, without names."""

    def __init__(self):
        super().__init__()
        self.body, self.cls, self.box = layers.Dense(5, "tanh"), layers.Dense(3), layers.Dense(2)

    def call(self, x):
        hidden = self.body(x)
        return [self.cls(hidden), self.box(hidden)]


def two_headed(structure):
    keras.utils.set_random_seed(3)
    if structure == "subclassed":
        return Subclassed()
    inputs = keras.Input((6,))
    hidden = layers.Dense(5, "tanh")(inputs)
    outputs = {"cls": layers.Dense(3, name="cls")(hidden), "box": layers.Dense(2, name="box")(hidden)}
    return keras.Model(inputs, outputs if structure == "dict" else list(outputs.values()))


def arrange(structure, cls, box):
    return {"cls": cls, "box": box} if structure == "dict" else [cls, box]


STRUCTURES = ("dict", "list", "subclassed")


@pytest.fixture
def labels(data):
    return data[1], np.random.default_rng(1).normal(size=(24, 2)).astype("float32")


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("weights", [None, (0.3, 2.0)])
def test_losses_of_all_heads_are_keras(structure, weights, quick, data, labels, fit):
    """With penalties of weight 0 a wrapped network trains as the network itself does."""
    head = 0 if structure == "subclassed" else "cls"
    plain, network = two_headed(structure), two_headed(structure)
    wrapped = zoo.RegularizedModel(network, 0.0 * PENALTIES, output=head, seed=1)
    histories = []
    for each in (plain, wrapped):
        loss_weights = weights and arrange(structure, *weights)
        each.compile(keras.optimizers.SGD(0.1), arrange(structure, CROSSENTROPY, "mse"), loss_weights, **quick)
        histories.append(fit(each, data[0], arrange(structure, *labels), batch_size=9, validation_split=0.25))
    assert set(histories[1]) == {*histories[0], "vat", "at"} and len(histories[0]) >= 6
    for name, values in histories[0].items():
        np.testing.assert_allclose(histories[1][name], values, rtol=1e-5, err_msg=name)
    for a, b in zip(plain.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_penalties_look_at_one_head(structure, quick, data, labels, fit):
    """They are those of a network that has this head only."""
    head = 0 if structure == "subclassed" else "cls"
    network = two_headed(structure)
    wrapped = zoo.RegularizedModel(network, PENALTIES, output=head, seed=1)
    wrapped.compile(keras.optimizers.SGD(0.0), arrange(structure, CROSSENTROPY, "mse"), **quick)
    found = fit(wrapped, data[0], arrange(structure, *labels))
    keras.utils.set_random_seed(3)
    single = keras.Sequential([keras.Input((6,)), layers.Dense(5, "tanh"), layers.Dense(3)])
    single.set_weights([value for value in network.get_weights() if 2 not in value.shape])
    alone = zoo.RegularizedModel(single, PENALTIES, seed=1)
    alone.compile(keras.optimizers.SGD(0.0), CROSSENTROPY, **quick)
    expected = fit(alone, data[0], labels[0])
    for name in ("vat", "at"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5)


def test_no_penalty_reaches_the_other_head(quick, data, labels, fit):
    """One step of gradient descent moves its kernel and bias as its own loss does, and the others differently."""
    trained = []
    for regularizer in (None, PENALTIES):
        model = zoo.RegularizedModel(two_headed("dict"), regularizer, output="cls", seed=1)
        model.compile(keras.optimizers.SGD(1.0), {"cls": CROSSENTROPY, "box": "mse"}, {"cls": 1.0, "box": 0.5}, **quick)
        fit(model, data[0], {"cls": labels[0], "box": labels[1]}, batch_size=24)
        trained.append(model)
    for plain, regularized in zip(*(model.trainable_variables for model in trained), strict=True):
        same = np.allclose(*(ops.convert_to_numpy(each.value) for each in (plain, regularized)), rtol=1e-5, atol=1e-6)
        assert same == ("box" in plain.path), plain.path


def test_heads_are_saved(data, labels, fit, quick, tmp_path):
    model = zoo.RegularizedModel(two_headed("dict"), PENALTIES, output="cls", seed=1)
    model.compile("adam", {"cls": CROSSENTROPY, "box": "mse"}, {"cls": 1.0, "box": 0.5}, **quick)
    fit(model, data[0], {"cls": labels[0], "box": labels[1]})
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.head == "cls" and loaded.output_shape == model.output_shape == {"cls": (None, 3), "box": (None, 2)}
    before, after = (each.predict(data[0], verbose=0) for each in (model, loaded))
    np.testing.assert_array_equal(before["cls"], after["cls"])


@pytest.mark.parametrize(
    "head, message",
    [
        (None, r"name the one that penalties look at, received 2 outputs \['cls', 'box'\].*output='cls'"),
        ("clas", "Unknown output 'clas'. Did you mean 'cls'"),
        (2, "has 2 outputs .* received output=2"),
    ],
)
@pytest.mark.parametrize("structure", ["dict", "list"])
def test_a_head_that_is_not_there(structure, head, message):
    model = zoo.RegularizedModel(two_headed(structure), PENALTIES, output=head)
    with pytest.raises(ValueError, match=message):
        model.at_head(arrange(structure, 1, 2))


def test_bad_labels_of_the_head(data, labels, fit):
    model = zoo.RegularizedModel(two_headed("dict"), PENALTIES, output="cls")
    model.compile("sgd", {"cls": CROSSENTROPY, "box": "mse"})
    with pytest.raises(ValueError, match="labels must be 0 to 2, received 3"):
        fit(model, data[0], {"cls": labels[0] + 1, "box": labels[1]})


def test_picking_and_putting():
    for values in ({"a": 1, "b": 2}, [1, 2], (1, 2)):
        assert pick(values, "b", ["a", "b"]) == pick(values, 1, ["a", "b"]) == 2
        assert pick(put(values, "b", 7, ["a", "b"]), "b", ["a", "b"]) == 7
        assert pick(put(values, "b", 7, ["a", "b"]), "a", ["a", "b"]) == 1
    assert pick(3, None) == 3 and put(3, None, 4) == 4
    with pytest.raises(ValueError, match="received output=5"):
        key_of(5, [1, 2], [])


@pytest.mark.parametrize("wrap", [lambda y: y, lambda y: {"dense": y}], ids=["plain", "named"])
def test_named_labels_of_one_output(wrap, quick, data, network, model, fit):
    x, y = data
    trained = model(network(), PENALTIES, metrics=["accuracy"], **quick)
    assert "accuracy" in fit(trained, x, wrap(y), validation_data=(x, wrap(y)))
    assert trained.evaluate(x, wrap(y), verbose=0)[1] == trained.evaluate(x, y, verbose=0)[1]


def test_sample_weights_of_positions(quick, data, model, objective):
    """Dense outputs may have a weight for each position. A weight of 1 changes nothing."""
    x, y = data
    network = keras.Sequential([keras.Input((6,)), layers.Dense(3), layers.RepeatVector(4)])
    trained, labels = model(network, zoo.EntropyMinimization(), **quick), np.repeat(y[:, None], 4, axis=1)
    trained.build((None, 6))
    plain = objective(trained, x, labels)
    np.testing.assert_allclose(objective(trained, x, labels, np.ones((24, 4), "float32")), plain, rtol=1e-6)
    assert not np.isclose(objective(trained, x, labels, 2 * np.ones((24, 4), "float32")), plain, rtol=0.1)
    assert ops.shape(trained(x)) == (24, 4, 3)


@pytest.mark.parametrize("penalties", [zoo.EntropyMinimization(), zoo.VirtualAdversarialTraining(0.1)])
def test_the_loss_of_masked_positions_is_keras(penalties, quick, fit):
    """Keras's losses leave them out. The penalty of weight 0 changes nothing."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(16, 5, 4)).astype("float32"), rng.integers(0, 3, (16, 5))
    x[:, 3:] = 0
    losses_found = []
    for wrap in (lambda network: network, lambda network: zoo.RegularizedModel(network, 0.0 * penalties)):
        keras.utils.set_random_seed(3)
        body = [layers.Masking(), layers.SimpleRNN(6, return_sequences=True), layers.Dense(3)]
        model = wrap(keras.Sequential([keras.Input((5, 4)), *body]))
        model.compile(keras.optimizers.SGD(0.1), CROSSENTROPY, **quick)
        losses_found.append(fit(model, x, y)["loss"])
    np.testing.assert_allclose(*losses_found, rtol=1e-5)


@pytest.mark.parametrize("wrap", [lambda y: [y], lambda y: (y,), lambda y: {"out": y}])
def test_the_labels_of_one_output_may_be_wrapped(wrap, model, fit, assert_same_weights):
    x, y = np.random.default_rng(0).normal(size=(24, 6)).astype("float32"), np.arange(24) % 3
    trained = []
    for labels in (y, wrap(y)):
        keras.utils.set_random_seed(0)
        network = keras.Sequential([keras.Input((6,)), layers.Dense(3, name="out")])
        trained.append(model(network, zoo.AdversarialTraining(0.1)))
        fit(trained[-1], x, labels)
    assert_same_weights(*trained)
