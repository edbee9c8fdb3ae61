"""The bound by a Lagrange multiplier against the exact solution of a quadratic problem."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo

TARGET = np.array([[3.0], [0.0], [4.0]])  # ‖w*‖ = 5


def solved(bound, **options):
    """Minimizes the mean of `(w − w*)²` over the three entries under `‖w‖² ≤ bound`, from w = 0.

    All steps are one epoch, because an epoch takes much longer to begin than a step takes to run.
    """
    network = keras.Sequential([keras.Input((3,)), layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model = zoo.RegularizedModel(network, zoo.NormConstraint(bound, **options), seed=0)
    model.compile(keras.optimizers.SGD(0.3), "mse")
    x, y = (np.tile(each, (400, 1)) for each in (np.eye(3), TARGET))
    model.fit(x, y, batch_size=3, shuffle=False, verbose=0)
    return ops.convert_to_numpy(network.layers[0].kernel), model.regularizer


def test_reaches_the_bound_with_the_exact_multiplier():
    """The solution is `w = w*·√k/‖w*‖`, and there `(1/3)·(‖w*‖/√k − 1) = α`."""
    kernel, constraint = solved(4.0, rate=0.1)
    np.testing.assert_allclose(kernel, TARGET * 2 / 5, rtol=1e-3)
    np.testing.assert_allclose(float(constraint.multiplier.value), (5 / 2 - 1) / 3, rtol=1e-3)


def test_a_bound_that_holds_anyway_costs_nothing():
    kernel, constraint = solved(26.0, rate=0.1)
    np.testing.assert_allclose(kernel, TARGET, rtol=1e-4)
    assert float(constraint.multiplier.value) == 0


def test_the_multiplier_stays_without_a_weight():
    """With weight 0 the multiplier grows but has no effect, so the norm stays above the bound."""
    kernel, constraint = solved(4.0, rate=0.1, weight=0.0)
    np.testing.assert_allclose(kernel, TARGET, rtol=1e-4)
    assert float(constraint.multiplier.value) > 1


def test_resumes_with_its_multiplier(tmp_path):
    def made():
        keras.utils.set_random_seed(0)
        model = zoo.RegularizedModel(zoo.networks.mlp((3,), 2, hidden_units=(4,)), zoo.NormConstraint(1.0), seed=0)
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    x, y = np.eye(3, dtype="float32"), np.array([0, 1, 0])
    first, second = made(), made()
    first.fit(x, y, epochs=2, shuffle=False, verbose=0)
    first.save_weights(tmp_path / "first.weights.h5")
    second.build((None, 3))
    second.load_weights(tmp_path / "first.weights.h5")
    assert float(second.regularizer.multiplier.value) == float(first.regularizer.multiplier.value) > 0


def test_only_trainable_kernels_count():
    network = keras.Sequential([keras.Input((2,)), layers.Dense(2, kernel_initializer="ones", bias_initializer="ones")])
    model = zoo.RegularizedModel(network, zoo.NormConstraint(1.0), seed=0)
    model.compile("sgd", "mse")
    logs = model.train_on_batch(np.zeros((1, 2)), np.ones((1, 2)), return_dict=True)
    assert float(logs["norm_constraint"]) == pytest.approx(4 - 1)


@pytest.mark.parametrize("options", [{"bound": 0.0}, {"bound": 1.0, "rate": 0.0}])
def test_refused(options):
    with pytest.raises(ValueError, match="must be above 0"):
        zoo.NormConstraint(**options)
