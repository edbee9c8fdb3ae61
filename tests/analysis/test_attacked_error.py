"""The error under attack against the margins of linear classifiers and the analysis."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo
from tests.support.margins import expected_percent
from zoo.analysis import (
    ATTACKS,
    MOVEMENTS,
    AttackedError,
    attacked_error_percent,
    misclassified,
    projected_gradient_descent,
)

RNG = np.random.default_rng(2)
EPSILON = 0.3
LONG = {"num_steps": 2, "step_size": 10 * EPSILON}  # reaches the worst point of the ball, if the gradient is constant


@pytest.fixture
def linear_model(model):
    """A linear classifier of two classes, its weights, inputs and labels."""

    def make(head=2, activation=None, loss=None, preprocessing=None):
        network = keras.Sequential([keras.Input((5,)), layers.Dense(head, activation=activation)])
        w = RNG.normal(size=5).astype("float32")
        kernel = np.stack([0 * w, w], axis=1) if head == 2 else w[:, None]
        network.set_weights([kernel, np.zeros(head, "float32")])
        made = model(network, loss=loss, preprocessing=preprocessing)
        made.build((None, 5))
        return made, w

    x = RNG.normal(size=(400, 5)).astype("float32")
    return make, x, (RNG.random(400) < 0.5).astype("int32")


def attacked(model, *arguments, **options):
    callback = AttackedError(*arguments, **options)
    callback.set_model(model)
    return callback.error_percent()


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_linear_classifiers_err_where_the_margin_is_small(norm, linear_model):
    make, x, y = linear_model
    trained, w = make()
    exact = expected_percent(w, x, y, norm, EPSILON)
    assert attacked(trained, x, y, f"pgd_{norm}", EPSILON, batch_size=150, **LONG) == pytest.approx(exact, abs=0.5)
    assert attacked(trained, x, y, f"pgd_{norm}", 0.0, num_steps=1) == pytest.approx(
        expected_percent(w, x, y, norm, 0.0)
    )
    assert exact > expected_percent(w, x, y, norm, 0.0) + 5  # the attack matters


@pytest.mark.parametrize(
    "head, activation, loss, one_hot",
    [
        (2, None, keras.losses.CategoricalCrossentropy(from_logits=True), True),
        (2, "softmax", "sparse_categorical_crossentropy", False),
        (1, None, keras.losses.BinaryCrossentropy(from_logits=True), False),
        (1, "sigmoid", "binary_crossentropy", False),
    ],
)
def test_every_loss_of_classes(head, activation, loss, one_hot, linear_model):
    make, x, y = linear_model
    trained, w = make(head, activation, loss)
    labels = np.eye(2, dtype="float32")[y] if one_hot else y
    error = attacked(trained, x, labels, "pgd_linf", EPSILON, **LONG)
    assert error == pytest.approx(expected_percent(w, x, y, "linf", EPSILON), abs=0.5)


TABLE = {"a": RNG.normal(size=(400, 3)).astype("float32"), "b": RNG.normal(size=(400, 2)).astype("float32")}
TABLE["city"] = RNG.integers(0, 5, (400, 1))


def several(w):
    """A linear classifier of two classes over several inputs, one of which it ignores."""
    inputs = {name: keras.Input(TABLE[name].shape[1:], name=name) for name in "ab"}
    inputs["city"] = keras.Input((1,), name="city", dtype="int32")
    hidden = layers.Identity(name="hidden")(layers.Concatenate()([inputs["a"], inputs["b"]]))
    dense = layers.Dense(2)
    network = keras.Model(inputs, dense(hidden) + 0 * layers.Flatten()(layers.Embedding(5, 1)(inputs["city"])))
    dense.set_weights([np.stack([0 * w, w], axis=1), np.zeros(2)])
    return network


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("perturb", [None, {"a": 2.0}, "hidden"])
def test_the_attack_moves_what_penalties_move(perturb, norm, model, linear_model):
    _, _, y = linear_model
    w = RNG.normal(size=5).astype("float32")
    moving = 2 * w[:3] if isinstance(perturb, dict) else w
    joint, dual = np.concatenate([TABLE["a"], TABLE["b"]], axis=1), {"linf": 1, "l2": 2}[norm]
    exact = 100 * np.mean((joint @ w) * np.where(y == 1, 1, -1) < EPSILON * np.linalg.norm(moving, dual))
    trained = model(several(w), perturb=perturb)
    trained.build(keras.tree.map_structure(lambda each: (None, *each.shape[1:]), TABLE))
    assert attacked(trained, TABLE, y, f"pgd_{norm}", EPSILON, batch_size=150, **LONG) == pytest.approx(exact, abs=0.5)
    if perturb is None:
        plain = several(w)
        plain.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        assert attacked(plain, TABLE, y, f"pgd_{norm}", EPSILON, **LONG) == pytest.approx(exact, abs=0.5)


@pytest.mark.parametrize("kind", ["multilabel", "dense"])
@pytest.mark.parametrize("named", [False, True])
def test_several_decisions_have_the_share_of_the_wrong_ones(kind, named, model):
    w, x = RNG.normal(size=4).astype("float32"), RNG.normal(size=(100, 4)).astype("float32")
    y = RNG.integers(0, 2, (100, 4))
    inputs = keras.Input((4,))
    logits = layers.Dense(4, use_bias=False)
    if kind == "multilabel":
        outputs, kernel, loss = logits(inputs), np.diag(w), keras.losses.BinaryCrossentropy(from_logits=True)
    else:
        logits, w = layers.Dense(2, use_bias=False), w[:1]
        outputs, kernel = logits(layers.Reshape((4, 1))(inputs)), np.stack([0 * w, w], axis=1)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network = keras.Model(inputs, {"decisions": outputs, "sum": layers.Dense(1)(inputs)} if named else outputs)
    logits.set_weights([kernel])
    trained = zoo.RegularizedModel(network, output="decisions" if named else None)
    trained.compile("sgd", {"decisions": loss, "sum": "mse"} if named else loss)
    trained.build((None, 4))
    exact = 100 * np.mean(x * w * np.where(y == 1, 1, -1) < EPSILON * np.abs(w))
    labels = {"decisions": y, "sum": x[:, :1]} if named else y
    assert attacked(trained, x, labels, "pgd_linf", EPSILON, **LONG) == pytest.approx(exact, abs=0.5)


def test_preprocessing_comes_first_and_the_range_is_that_of_its_outputs(linear_model):
    make, x, y = linear_model
    trained, w = make(preprocessing=layers.Rescaling(0.5))
    assert attacked(trained, x, y, "pgd_linf", EPSILON, **LONG) == pytest.approx(
        expected_percent(w, x / 2, y, "linf", EPSILON), abs=0.5
    )
    bounded = attacked(trained, x, y, "pgd_linf", EPSILON, **LONG, input_range=(-0.1, 0.1))
    worst = np.clip(x / 2 - EPSILON * np.sign(w) * np.where(y == 1, 1, -1)[:, None], -0.1, 0.1)
    assert bounded == pytest.approx(100 * np.mean((worst @ w > 0) != y), abs=0.5)


def test_a_network_with_hidden_layers_against_the_attack_of_the_analysis(network, model, data, fit):
    x, y = data
    trained = model(network(layers.Dropout(0.5), layers.BatchNormalization()))
    callback = AttackedError(x, y, "pgd_l2", EPSILON, num_steps=8)
    history = trained.fit(x, y, epochs=2, callbacks=[callback], verbose=0).history
    found = projected_gradient_descent(trained.network, ops.convert_to_tensor(x), y, EPSILON, 0, norm="l2", num_steps=8)
    theirs = 100 * np.mean(misclassified(trained.network, found, y))
    assert history["val_attacked_error"][-1] == theirs


def test_the_attack_is_the_same_each_time_and_leaves_the_model_alone(network, model, data):
    trained = model(network(layers.Dropout(0.5), layers.BatchNormalization()))
    trained.build((None, 6))
    before = [ops.convert_to_numpy(v.value) for v in trained.variables]
    callback = AttackedError(*data, "pgd_linf", 1.0, num_steps=2)
    callback.set_model(trained)
    assert len({callback.error_percent() for _ in range(3)}) == 1
    for variable, value in zip(trained.variables, before, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable.value), value)


def test_a_plain_keras_model_and_a_new_loss(linear_model):
    """The outputs are logits under the first loss, and probabilities under the second."""
    _, x, y = linear_model
    plain = keras.Sequential([keras.Input((5,)), layers.Dense(2)])
    callback = AttackedError(x, y, "pgd_linf", 0.1, num_steps=1)
    for from_logits in (True, False):
        plain.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits))
        history = plain.fit(x, y, callbacks=[callback], verbose=0).history
        theirs = attacked_error_percent(plain, x, y, "pgd_linf", 0.1, num_steps=1)
        assert history["val_attacked_error"] == [theirs]


@pytest.mark.parametrize("attack", ["sign", "apgd_l2", "fab_linf", "autoattack", "rotation"])
def test_any_attack_on_images_in_pixels(attack, model):
    x, y = RNG.integers(0, 256, (20, 4, 4, 1)).astype("uint8"), RNG.integers(0, 5, 20)
    network = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dense(5)])
    trained = model(network, preprocessing=layers.Rescaling(1 / 127.5, offset=-1.0))
    options = {"num_queries": 20, "num_steps": 5} if attack == "autoattack" else {}
    epsilon = 20.0 if attack == "rotation" else 0.1
    callback = AttackedError(x, y, attack, epsilon, **options)
    history = trained.fit(x, y, callbacks=[callback], verbose=0).history
    theirs = attacked_error_percent(trained, x, y, attack, epsilon, units="pixels", **options)
    assert history["val_attacked_error"] == [theirs]
    assert theirs == pytest.approx(callback.error_percent())


@pytest.mark.parametrize(
    "options, message",
    [
        ({"attack": "pgd"}, "Unknown attack 'pgd'. Did you mean 'pgd_l2'"),
        ({"epsilon": -1.0}, "epsilon must be at least 0, received -1.0"),
        ({"num_steps": 0}, "num_steps must be at least 1, received 0"),
        ({"step_size": -1.0}, "step_size must be at least 0, received -1.0"),
        ({"units": "bytes"}, "Unknown units 'bytes'. Allowed: 'pixels', 'preprocessed'"),
        ({"batch_size": 0}, "batch_size must be at least 1, received 0"),
        ({"y": np.zeros(3)}, "as many labels as inputs, at least one, received 3 labels for 2 inputs"),
        ({"x": np.zeros((0, 3)), "y": np.zeros(0)}, "received 0 labels for 0 inputs"),
    ],
)
def test_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        AttackedError(**{"x": np.zeros((2, 3)), "y": np.zeros(2), "attack": "pgd_linf", "epsilon": 0.1, **options})


@pytest.mark.parametrize("attack", [*ATTACKS, *MOVEMENTS])
def test_options_of_every_attack_are_tried(attack):
    AttackedError(np.zeros((2, 3)), np.zeros(2), attack, 0.1, statistics="moving", input_range={"a": (0, 1)})
    with pytest.raises(TypeError):
        AttackedError(np.zeros((2, 3)), np.zeros(2), attack, 0.1, no_such_option=3)


def test_what_does_not_suit_the_attack(linear_model):
    make, x, y = linear_model
    for arguments, error, message in (
        ({"norm": "l2"}, TypeError, "The name of the attack says the norm, received 'pgd_linf' and norm='l2'"),
        ({"units": "pixels"}, ValueError, r"needs images .* received an array of shape \(400, 5\)"),
    ):
        with pytest.raises(error, match=message):
            AttackedError(x, y, "pgd_linf", 0.1, **arguments)
    AttackedError(x[:, :4].reshape(-1, 2, 2, 1), y, "shift", 0.1, data_format="channels_first")
    for outputs in (None, "values"):
        regression = zoo.RegularizedModel(make()[0].network, outputs=outputs)
        regression.compile("sgd", "mse")
        with pytest.raises(ValueError, match="the loss must be a cross-entropy of classes, received loss="):
            regression.fit(x, np.eye(2)[y], callbacks=[AttackedError(x, y, "sign", 0.1)], verbose=0)


def test_another_model_and_a_head_of_a_plain_model(linear_model):
    make, x, y = linear_model
    callback, models = AttackedError(x, y, "pgd_linf", EPSILON, **LONG), [make(), make()]
    found = []
    for trained, _ in models:
        callback.set_model(trained)
        found.append(callback.error_percent())
    assert found == pytest.approx([expected_percent(w, x, y, "linf", EPSILON) for _, w in models], abs=0.5)
    assert found[0] != found[1]
    inputs = keras.Input((5,))
    plain = keras.Model(inputs, {"cls": models[0][0].network(inputs), "sum": layers.Dense(1)(inputs)})
    plain.compile("sgd", {"cls": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "sum": "mse"})
    assert attacked(plain, x, y, "pgd_linf", EPSILON, output="cls", **LONG) == pytest.approx(found[0], abs=0.5)


def test_the_end_of_an_epoch_needs_no_logs(linear_model):
    make, *xy = linear_model
    callback, logs = AttackedError(*xy, "pgd_linf", EPSILON, **LONG), {}
    callback.set_model(make()[0])
    for each in (None, logs):
        callback.on_epoch_end(0, each)
    assert logs == {"val_attacked_error": callback.error_percent()}
