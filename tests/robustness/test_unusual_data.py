"""Data as users have them: of other types, with labels and weights in columns."""

import keras
import numpy as np
import pytest
from keras import layers

import zoo

RNG = np.random.default_rng(0)
X, Y = RNG.uniform(size=(8, 6)), RNG.integers(0, 3, 8)
PENALTIES = (
    zoo.AdversarialTraining(0.1)
    + zoo.VirtualAdversarialTraining(0.1)
    + zoo.VirtualMovementTraining("shift")
    + zoo.JacobianPenalty()
)
LOSS = keras.losses.SparseCategoricalCrossentropy


@pytest.fixture
def compiled(model):
    """Models whose steps TensorFlow traces."""
    return model


@pytest.fixture
def model(model, quick):
    """Models for a single step."""
    return lambda *arguments, **options: model(*arguments, **quick, **options)


def batch_loss(trained, *batch):
    return float(np.ravel(trained.train_on_batch(*batch))[0])


@pytest.mark.parametrize("dtype", ["float64", "float16", "uint8"])
def test_inputs_of_other_types_train_as_float32(network, model, dtype):
    x = (255 * X if dtype == "uint8" else X).astype(dtype)
    expected, found = (batch_loss(model(network(), PENALTIES), each, Y) for each in (x.astype("float32"), x))
    assert found == pytest.approx(expected, rel=1e-5)


def test_batches_of_double_precision(network, compiled):
    data = zoo.datasets.SemiSupervised(X, Y, X, batch_size=4, unlabeled_batch_size=4)
    for batches in (zoo.datasets.Batches(X, Y, 4), data):
        compiled(network(), PENALTIES).fit(batches, verbose=0)


def test_preprocessing_in_half_precision(network, model):
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        trained = model(network(), PENALTIES, preprocessing=layers.Rescaling(0.5))
        assert np.isfinite(batch_loss(trained, X, Y))
    finally:
        keras.mixed_precision.set_dtype_policy(before)


def test_a_network_of_integers_cannot_be_moved(model):
    def integers():
        return keras.Sequential([keras.Input((6,), dtype="uint8"), layers.Rescaling(1 / 255), layers.Dense(3)])

    x = (255 * X).astype("uint8")
    for regularizer in (zoo.VirtualAdversarialTraining(0.1), zoo.Smoothness(0.1), PENALTIES):
        with pytest.raises(ValueError, match="dtype='uint8'.*preprocessing="):
            model(integers(), regularizer).train_on_batch(x, Y)
    for regularizer in (None, zoo.WeightNoise(0.1), zoo.EntropyMinimization()):
        assert np.isfinite(batch_loss(model(integers(), regularizer), x, Y))


def test_sample_weights_in_a_column(network, model):
    weights = RNG.uniform(size=8)
    expected, found = (batch_loss(model(network(), PENALTIES), X, Y, each) for each in (weights, weights[:, None]))
    assert found == pytest.approx(expected, rel=1e-5)


class OwnLoss(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


@pytest.mark.parametrize("dtype", ["int64", "float64"])
def test_a_loss_of_ones_own_gets_targets_in_the_outputs_type(network, model, dtype):
    targets = np.eye(3)[Y].astype(dtype)
    expected = batch_loss(model(network(), PENALTIES, loss="mse"), X, targets.astype("float32"))
    for loss in (OwnLoss(), OwnLoss().call):
        assert batch_loss(model(network(), PENALTIES, loss=loss), X, targets) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("from_logits", [False, True])
def test_a_class_below_a_cross_entropy_means_the_same(network, model, from_logits):
    class Derived(LOSS):
        pass

    end = () if from_logits else (layers.Softmax(),)
    losses = [
        batch_loss(model(keras.Sequential([network(), *end]), PENALTIES, loss=kind(from_logits=from_logits)), X, Y)
        for kind in (LOSS, Derived)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


@pytest.mark.parametrize("reduction", ["sum", "mean_with_sample_weight", "none", None])
def test_a_loss_that_is_no_mean_is_refused(network, model, reduction):
    with pytest.raises(ValueError, match="'sum_over_batch_size' or 'mean', received"):
        model(network(), PENALTIES, loss=LOSS(from_logits=True, reduction=reduction)).train_on_batch(X, Y)


def test_no_noise_on_weights_is_no_penalty_beside_unlabelled_inputs(network, model):
    trained = model(network(layers.BatchNormalization()), zoo.WeightNoise(0.0))
    trained.fit(zoo.datasets.SemiSupervised(X, Y, 3 * X, batch_size=4, unlabeled_batch_size=8), verbose=0)
    assert float(trained.penalty_metrics[0].result()) == pytest.approx(0.0, abs=1e-6)


def test_labels_in_a_column_are_analysed_as_the_same(network):
    net, x = network(), X.astype("float32")
    column, flat = (zoo.analysis.misclassified(net, x, labels) for labels in (Y[:, None], Y))
    np.testing.assert_array_equal(column, flat)
    one_hot = np.eye(3)[Y]
    np.testing.assert_array_equal(zoo.analysis.misclassified(net, x, one_hot), flat)
    probabilities = one_hot
    assert zoo.analysis.reliability(probabilities, Y[:, None]).accuracies[-1] == 1.0
    with pytest.raises(ValueError, match="class indices of shape .*received shape \\(8, 3\\)"):
        zoo.analysis.misclassified(net, x, 0.9 * probabilities)


def sequences(*middle):
    keras.utils.set_random_seed(3)
    pool = layers.GlobalAveragePooling1D()
    return keras.Sequential([keras.Input((None, 3)), layers.Conv1D(4, 3), *middle, pool, layers.Dense(3)])


def test_sequences_of_any_length(compiled):
    penalties = zoo.AdversarialTraining(0.1) + zoo.VirtualAdversarialTraining(0.1) + zoo.Smoothness(0.1)
    trained = compiled(sequences(), penalties)
    for length in (7, 9):
        x = RNG.normal(size=(8, length, 3))
        trained.fit(x, Y, batch_size=4, verbose=0)
        assert np.isfinite(trained.evaluate(x, Y, verbose=0))


def test_a_network_that_begins_with_an_embedding_cannot_be_moved(model):
    def tokens():
        embedding = [layers.Embedding(10, 4), layers.GlobalAveragePooling1D(), layers.Dense(3)]
        return keras.Sequential([keras.Input((6,)), *embedding])

    x = RNG.integers(0, 10, (8, 6))
    for regularizer in (zoo.Smoothness(1.0), PENALTIES):
        with pytest.raises(ValueError, match="cannot be indices, .* begins with the Embedding 'embedding"):
            model(tokens(), regularizer).train_on_batch(x, Y)
    assert np.isfinite(batch_loss(model(tokens(), zoo.WeightNoise(0.1)), x, Y))


def test_a_network_that_assigns_to_its_weights_is_refused(model):
    inner = [layers.SpectralNormalization(layers.Dense(4)), layers.Dense(3)]
    trained = model(keras.Sequential([keras.Input((6,)), *inner]), PENALTIES)
    with pytest.raises(ValueError, match="assigns to its trainable variable '.*kernel'"):
        trained.train_on_batch(X, Y)


@pytest.mark.parametrize("penalty", [zoo.VirtualAdversarialTraining(1.0), zoo.EntropyMinimization()])
def test_penalties_on_classes_refuse_a_single_value(network, model, penalty):
    with pytest.raises(ValueError, match="logits of at least 2 classes, received 1"):
        model(network(outputs=1), penalty, loss="mse").train_on_batch(X, Y.astype("float32"))
    gaussian = zoo.VirtualAdversarialTraining(1.0, distribution="gaussian")
    assert np.isfinite(batch_loss(model(network(outputs=1), gaussian, loss="mse"), X, Y.astype("float32")))


def test_generalized_cross_entropy_is_one_of_probabilities(network, model):
    generalized = keras.losses.CategoricalGeneralizedCrossEntropy()
    penalties = []
    for loss in (generalized, "sparse_categorical_crossentropy"):
        trained = model(network(activation="softmax"), zoo.VirtualAdversarialTraining(1.0), loss=loss)
        trained.train_on_batch(X, Y)
        penalties.append(float(trained.penalty_metrics[0].result()))
    assert penalties[0] == pytest.approx(penalties[1], rel=1e-6)


def test_a_loss_that_passes_over_a_class_is_refused(network, model):
    with pytest.raises(ValueError, match="ignore_class must be None, received -1"):
        model(network(), PENALTIES, loss=LOSS(from_logits=True, ignore_class=-1)).train_on_batch(X, Y)


def test_loss_weights_are_refused(network, model):
    with pytest.raises(ValueError, match="loss_weights must be None, received 0.1"):
        model(network(), PENALTIES, loss_weights=0.1)


@pytest.mark.parametrize("inputs", [[X, X], (X, X), {"a": X, "b": X}])
def test_several_inputs_for_a_network_of_one_are_refused(network, model, inputs):
    with pytest.raises(ValueError, match=f"pass one array, not a {type(inputs).__name__} of 2"):
        model(network(), PENALTIES).fit(inputs, Y)


@pytest.mark.parametrize("inputs", [[X], (X,), {"a": X}])
def test_one_input_may_be_wrapped(network, model, inputs):
    trained = [model(network(), zoo.AdversarialTraining(0.1)) for _ in range(2)]
    losses = [
        each.fit(x, Y, shuffle=False, verbose=0).history["loss"] for each, x in zip(trained, (X, inputs), strict=True)
    ]
    assert losses[0] == losses[1]


def test_preprocessing_does_not_decay(network, model):
    scale = layers.Dense(6)
    trained = model(network(), PENALTIES, preprocessing=scale, optimizer=keras.optimizers.AdamW(0.1, weight_decay=0.5))
    trained.build((None, 6))
    before = keras.ops.convert_to_numpy(scale.kernel)
    trained.fit(X, Y, batch_size=4, verbose=0)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(scale.kernel), before)
