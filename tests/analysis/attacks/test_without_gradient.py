"""Networks without a derivative: which attacks take them, and how often they are checked."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo
from zoo.analysis import (
    Classifier,
    attacked_error_percent,
    auto_attack,
    auto_pgd,
    fast_adaptive_boundary,
    loss_gradient,
    misclassified,
    misclassified_under_attack,
    square,
)
from zoo.analysis import perturbed_network as checks

X, Y = np.array([[0.3, 0.0], [0.0, 0.3]], "float32"), np.array([0, 1])


def steps():
    """Eight times the inputs, rounded down: which class is the largest."""
    dense = layers.Dense(3, kernel_initializer=lambda shape, dtype=None: ops.eye(*shape, dtype=dtype), use_bias=False)
    rounded = layers.Lambda(lambda x: ops.cast(ops.cast(8 * x, "int32"), "float32"), output_shape=(2,))
    return keras.Sequential([keras.Input((2,)), rounded, dense])


@pytest.mark.parametrize(
    "attack, options",
    [("gaussian_noise", {}), ("gaussian_sign", {}), ("shift", {}), ("square_linf", {"num_queries": 20})],
)
def test_attacks_without_gradients_take_it(attack, options):
    assert misclassified_under_attack(steps(), X, Y, attack, 0.5, **options).shape == (2,)


def test_square_and_auto_attack_find_its_errors():
    moved = square(steps(), X, Y, 0.4, seed=0, norm="linf", num_queries=50)
    assert misclassified(steps(), moved, Y).all()
    with pytest.warns(RuntimeWarning, match="The gradient is zero for 100 %"):
        moved = auto_attack(steps(), X, Y, 0.4, seed=0, num_steps=2, num_queries=50)
    assert misclassified(steps(), moved, Y).all()


@pytest.mark.parametrize("attack", ["sign", "pgd_linf", "virtual_adversarial"])
def test_attacks_by_gradients_refuse_it(attack):
    with pytest.raises(ValueError, match="which attacks by gradients move"):
        misclassified_under_attack(steps(), X, Y, attack, 0.1)


@pytest.mark.parametrize("attack", [auto_pgd, fast_adaptive_boundary])
def test_iterated_attacks_by_gradients_refuse_it(attack):
    with pytest.raises(ValueError, match="which attacks by gradients move"):
        attack(steps(), X, Y, 0.1, norm="linf")


def test_training_with_another_tensor_does_not_answer_for_the_input():
    tokens = keras.Input((2,))
    indices = layers.Lambda(lambda x: ops.cast(x, "int32"), output_shape=(2,))(tokens)
    embedded = layers.Flatten()(layers.Embedding(4, 2, name="embedding")(indices))
    network = keras.Model(tokens, layers.Dense(3)(embedded))
    model = zoo.RegularizedModel(network, zoo.AdversarialTraining(0.1), perturb="embedding")
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(X, Y, verbose=0)
    assert loss_gradient(model, X, Y).shape == (2, 2, 2)
    with pytest.raises(ValueError, match="no derivative in input"):
        loss_gradient(Classifier(model, perturb=1.0), X, Y)


def test_a_network_is_checked_once(monkeypatch):
    calls = []
    monkeypatch.setattr(checks, "check_reached", lambda *_: calls.append(1))
    network = keras.Sequential([keras.Input((2,)), layers.Lambda(lambda x: 2 * x, output_shape=(2,)), layers.Dense(3)])
    for _ in range(2):
        misclassified_under_attack(network, X, Y, "sign", 0.1, batch_size=1)
    assert len(calls) == 1
    attacked_error_percent(Classifier(network, perturb=np.array([1.0, 0.0])), X, Y, "sign", 0.1, batch_size=1)
    assert len(calls) == 2  # another tensor
