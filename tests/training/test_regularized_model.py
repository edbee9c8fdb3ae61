"""A wrapped network behaves like Keras's own models in fit, evaluate, predict and callbacks."""

import importlib.util

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo

VAT, AT = zoo.VirtualAdversarialTraining, zoo.AdversarialTraining


class Subclassed(keras.Model):
    """A network whose `call` has no argument `training`."""

    def __init__(self, **options):
        super().__init__(**options)
        self.hidden, self.logits = layers.Dense(5, activation="tanh"), layers.Dense(3)

    def call(self, x):
        return self.logits(self.hidden(x))


class SubclassedWithModes(Subclassed):
    """A network with dropout that it makes itself."""

    def __init__(self, **options):
        super().__init__(**options)
        self.dropout = layers.Dropout(0.3, seed=1)

    def call(self, x, training=False):
        return self.logits(self.dropout(self.hidden(x), training=training))


class Block(layers.Layer):
    """A layer with inner layers and without a `build`."""

    def __init__(self, **options):
        super().__init__(**options)
        self.hidden, self.logits = layers.Dense(5, activation="tanh"), layers.Dense(3)

    def call(self, x):
        return self.logits(self.hidden(x))


def functional():
    inputs = keras.Input((6,))
    return keras.Model(inputs, layers.Dense(3)(layers.Dense(5, activation="tanh")(inputs)))


NETWORKS = {
    "functional": functional,
    "sequential": lambda: keras.Sequential([keras.Input((6,)), layers.Dense(5, activation="tanh"), layers.Dense(3)]),
    "unbuilt": lambda: keras.Sequential([layers.Dense(5, activation="tanh"), layers.Dense(3)]),
    "subclassed": Subclassed,
    "subclassed_with_modes": SubclassedWithModes,
    "layer": lambda: layers.Dense(3),
    "block": Block,
}


@pytest.mark.parametrize("kind", NETWORKS)
def test_any_network_trains_evaluates_and_predicts(kind, data, model, fit):
    x, y = data
    net = NETWORKS[kind]()
    trained = model(net, VAT(1.0), metrics=["accuracy"])
    history = fit(trained, x, y, batch_size=9, validation_split=0.25, epochs=2)
    assert list(map(len, history.values())) == [2] * 5
    assert set(history) == {"loss", "accuracy", "vat", "val_loss", "val_accuracy"}
    predictions = trained.predict(x, batch_size=5, verbose=0)
    assert predictions.shape == (24, 3)
    np.testing.assert_allclose(predictions, ops.convert_to_numpy(net(x)), rtol=1e-5, atol=1e-6)
    logs = trained.evaluate(x, y, verbose=0, return_dict=True)
    assert set(logs) == {"loss", "accuracy"}
    np.testing.assert_allclose(logs["accuracy"], np.mean(np.argmax(predictions, -1) == y), rtol=1e-6)
    losses = keras.losses.sparse_categorical_crossentropy(y, predictions, from_logits=True)
    np.testing.assert_allclose(logs["loss"], np.mean(ops.convert_to_numpy(losses)), rtol=1e-5)


@pytest.mark.parametrize("kind", ["unbuilt", "subclassed", "block"])
def test_every_weight_of_an_unbuilt_network_trains(kind, data, model, fit):
    net = NETWORKS[kind]()
    trained = model(net, AT(0.1))
    fit(trained, *data)
    assert trained.built and len(net.trainable_variables) == 4
    before = net.get_weights()
    fit(trained, *data)
    assert all(np.any(a != b) for a, b in zip(before, net.get_weights(), strict=True))


def test_all_kinds_of_data_train_alike(data, network, model, fit, assert_same_weights):
    x, y = data
    batches = zoo.datasets.Batches(x, y, 8)
    order = np.concatenate([batches[i][0] for i in range(3)]), np.concatenate([batches[i][1] for i in range(3)])
    by_arrays, by_batches = model(network(), VAT(1.0)), model(network(), VAT(1.0))
    fit(by_arrays, *order)
    fit(by_batches, batches)
    assert_same_weights(by_arrays, by_batches, rtol=1e-5, atol=1e-6)
    if importlib.util.find_spec("tensorflow"):
        import tensorflow as tf

        by_dataset = model(network(), VAT(1.0))
        dataset = tf.data.Dataset.from_tensor_slices(order).batch(8)
        history = fit(by_dataset, dataset, validation_data=dataset)
        assert "val_loss" in history and "val_vat" not in history
        assert_same_weights(by_arrays, by_dataset, rtol=1e-5, atol=1e-6)


def test_integer_inputs_train_as_their_floating_point_values(data, network, model, fit, quick, assert_same_weights):
    pixels = np.random.default_rng(1).integers(0, 255, (24, 6)).astype("uint8")
    scaling = layers.Rescaling(1 / 255)
    for preprocessing in (None, scaling):
        integers = model(network(), VAT(1.0), preprocessing=preprocessing, **quick)
        floats = model(network(), VAT(1.0), preprocessing=preprocessing, **quick)
        fit(integers, pixels, data[1])
        fit(floats, pixels.astype("float32"), data[1])
        assert_same_weights(integers, floats)


def test_each_penalty_is_reported_under_its_own_name(data, network, model, fit):
    regularizer = AT(0.5) + VAT(1.0) + VAT(2.0) + zoo.VirtualMovementTraining("shift") + VAT(0.0)
    history = fit(model(network(), regularizer), *data)
    assert set(history) == {"loss", "at", "vat", "vat:2", "vat:3", "vmt_shift"}
    assert history["vat:3"] == [0.0] and 0 < history["vat"][0] < history["vat:2"][0]


def test_loss_is_the_data_loss_and_the_weighted_penalties(data, network, model, fit):
    x, y = data
    trained = model(network(), 0.5 * AT(0.5) + 3.0 * VAT(1.0), optimizer=keras.optimizers.SGD(0.0))
    history = fit(trained, x, y)
    data_loss = trained.evaluate(x, y, verbose=0)
    np.testing.assert_allclose(
        history["loss"][0], data_loss + 0.5 * history["at"][0] + 3 * history["vat"][0], rtol=1e-5
    )


@pytest.mark.parametrize("option", ["kernel_regularizer", "activity_regularizer"])
@pytest.mark.parametrize("eager", [False, True])
def test_penalties_of_layers_count_once(option, eager, data, network, model, fit):
    x, y = data
    net = network(**{option: keras.regularizers.L2(0.1)})
    trained = model(net, VAT(0.0), optimizer=keras.optimizers.SGD(0.0), run_eagerly=eager)
    net(x)  # losses that a layer added in an earlier call do not count
    loss = fit(trained, x, y, batch_size=24)["loss"][0]
    hidden = ops.convert_to_numpy(net.layers[-2](x))
    logits = net.predict(x, verbose=0)
    entropies = keras.losses.sparse_categorical_crossentropy(y, logits, from_logits=True)
    if option == "kernel_regularizer":
        penalty = sum(0.1 * np.sum(layer.get_weights()[0] ** 2) for layer in net.layers[-2:])
    else:
        penalty = sum(0.1 * np.sum(activity**2) / len(x) for activity in (hidden, logits))
    np.testing.assert_allclose(loss, np.mean(ops.convert_to_numpy(entropies)) + penalty, rtol=1e-5)


def test_ramp_up_grows_linearly_with_the_steps(data, network, model, fit):
    x, y = data
    ramp = model(network(), VAT(1.0, ramp_up_steps=4), optimizer=keras.optimizers.SGD(0.0))
    batches = zoo.datasets.Batches(x, y, 24)
    history = fit(ramp, batches, epochs=6)
    shares = (np.asarray(history["loss"]) - ramp.evaluate(x, y, verbose=0)) / np.asarray(history["vat"])
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.75, 1.0, 1.0, 1.0], rtol=1e-3)


@pytest.mark.parametrize("options", [{"run_eagerly": True}, {"jit_compile": True}, {"steps_per_execution": 3}])
def test_ways_of_execution_give_the_same_weights(options, data, network, model, fit, assert_same_weights):
    regularizer = zoo.AdversarialTraining(
        1.0
    )  # a penalty without random numbers, because XLA's differ from TensorFlow's
    plain, other = model(network(), regularizer, jit_compile=False), model(network(), regularizer, **options)
    histories = [fit(trained, *data) for trained in (plain, other)]
    assert_same_weights(plain, other, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(histories[0]["loss"], histories[1]["loss"], rtol=1e-4)


def test_callbacks(data, network, model, fit, tmp_path):
    x, y = data
    trained = model(network(), VAT(1.0))
    rates = [0.1, 0.05, 0.0, 0.0, 0.0]
    callbacks = [
        keras.callbacks.LearningRateScheduler(lambda epoch: rates[epoch]),
        keras.callbacks.EarlyStopping("val_loss", patience=1, min_delta=1e-6),
        keras.callbacks.ModelCheckpoint(tmp_path / "best.weights.h5", save_weights_only=True),
    ]
    history = fit(trained, x, y, epochs=5, validation_data=(x, y), callbacks=callbacks)
    # The third epoch has a rate of 0, so its loss is not below that of the second.
    assert len(history["loss"]) == 3
    restored = model(network(), VAT(1.0))
    restored.build((None, 6))
    restored.load_weights(tmp_path / "best.weights.h5")
    np.testing.assert_array_equal(restored.predict(x, verbose=0), trained.predict(x, verbose=0))


def test_a_generator_of_seeds_may_be_shared(network):
    generator = keras.random.SeedGenerator(7)
    first, second = (zoo.RegularizedModel(network(), VAT(1.0), seed=generator) for _ in range(2))
    assert first.seed_generator is second.seed_generator is generator
    assert first.get_config()["seed"] == 7


def test_a_model_that_was_never_compiled_predicts(network, data):
    x, _ = data
    assert zoo.RegularizedModel(network()).predict(x, verbose=0).shape == (24, 3)


def test_fit_needs_a_compiled_model(network, data, fit):
    with pytest.raises(ValueError, match=r"call `compile\(\)`"):
        fit(zoo.RegularizedModel(network(), VAT(1.0)), *data)


def test_a_list_of_callbacks_that_keras_made(data, network, model, fit, quick, assert_same_weights):
    found = []
    for own in (False, True):
        trained, losses, batches = model(network(), AT(0.1), **quick), [], zoo.datasets.Batches(*data, 8)
        callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs, to=losses: to.append(logs["loss"]))
        made = keras.callbacks.CallbackList([callback], add_history=True, model=trained) if own else [callback]
        history = fit(trained, batches, epochs=2, callbacks=made)
        assert history["loss"] == losses and len(losses) == batches.epoch == 2
        assert not own or made.callbacks[:1] == [callback]
        found.append(trained)
    assert_same_weights(*found, rtol=1e-5, atol=1e-6)
