"""Half precision: finite steps, the directions of single precision, loss scaling."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import zoo
from zoo.regularizers.math.worst_directions import check_xi

METHODS = {
    "at": zoo.AdversarialTraining(0.5),
    "at_pgd": zoo.AdversarialTraining(0.5, num_steps=3, random_start=True),
    "trades": zoo.Trades(0.5, norm="l2", num_steps=3),
    "mart": zoo.Mart(0.5, num_steps=2, random_start=False),
    "awp": zoo.AdversarialWeightPerturbation(zoo.AdversarialTraining(0.5), gamma=0.05),
    "vat": zoo.VirtualAdversarialTraining(1.0),
    "vat_xi": zoo.VirtualAdversarialTraining(1.0, xi=1.0),
    "vmt": zoo.VirtualMovementTraining("all"),
    "smoothness": zoo.Smoothness(0.5, direction="adversarial"),
    "jacobian": zoo.JacobianPenalty(weight=0.1),
    "weight_noise": zoo.WeightNoise(0.1),
    "entropy": zoo.EntropyMinimization(),
}
POLICIES = ("mixed_float16", "mixed_bfloat16")


@pytest.mark.parametrize("policy", POLICIES)
def test_all_methods_train(policy, quick, data, network, model, fit):
    keras.mixed_precision.set_dtype_policy(policy)
    regularizer = sum(list(METHODS.values())[1:], start=METHODS["at"])
    trained = model(network(layers.BatchNormalization(), layers.Dropout(0.2)), regularizer, **quick)
    trained.build((None, 6))
    before = trained.network.get_weights()
    history = fit(trained, *data, batch_size=12)
    assert np.isfinite(list(history.values())).all()
    changed = [np.any(a != b) for a, b in zip(before, trained.network.get_weights(), strict=True)]
    assert all(changed) and all(np.isfinite(w).all() for w in trained.network.get_weights())
    assert isinstance(trained.optimizer, keras.optimizers.LossScaleOptimizer) == (policy == "mixed_float16")


@pytest.mark.parametrize("name", ["at", "at_pgd", "vat", "trades", "mart", "awp", "vmt", "smoothness"])
@pytest.mark.parametrize("policy", POLICIES)
def test_penalties_are_those_of_single_precision(name, policy, quick, data, network, model, fit):
    found = []
    for each in ("float32", policy):
        keras.mixed_precision.set_dtype_policy(each)
        trained = model(network(), METHODS[name], optimizer=keras.optimizers.SGD(0.0), **quick)
        found.append({key: values[0] for key, values in fit(trained, *data, batch_size=24).items()})
    for key, value in found[0].items():
        assert found[1][key] == pytest.approx(value, rel=0.05), key


@pytest.mark.parametrize("scale", [1.0, 4.0])
@pytest.mark.parametrize("policy", POLICIES)
def test_vat_direction_is_that_of_single_precision(policy, scale, data, network, model, monkeypatch):
    """This includes a network with confident predictions."""
    x, y = map(ops.convert_to_tensor, data)
    vat = zoo.VirtualAdversarialTraining(1.0, num_power_iterations=2)
    directions = []

    def record(*arguments, perturb=vat.perturbation):
        directions.append(np.asarray(ops.convert_to_numpy(perturb(*arguments)), "float64"))
        return ops.convert_to_tensor(directions[-1].astype("float32"))

    monkeypatch.setattr(vat, "perturbation", record)
    for each in ("float32", policy):
        keras.mixed_precision.set_dtype_policy(each)
        net = network()
        net.layers[-1].set_weights([scale * w for w in net.layers[-1].get_weights()])
        trained = model(net, vat)
        trained.build((None, 6))
        trained.objective(x, y)
    for direction in directions:
        np.testing.assert_allclose(np.linalg.norm(direction, axis=-1), 1.0, rtol=1e-3)
    cosines = np.sum(directions[0] * directions[1], axis=-1)
    assert cosines.min() > 0.99


def test_predictions_keep_the_policy_s_type_and_losses_do_not_overflow(data, network, model, fit):
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    x, y = data
    trained = model(network(), zoo.AdversarialTraining(0.5))
    assert trained.predict(x, verbose=0).dtype == np.float16
    history = fit(trained, x, y, sample_weight=np.full(24, 1e6, "float32"), batch_size=24)
    assert np.isfinite(history["loss"][0]) and history["loss"][0] > float(np.finfo("float16").max)


def test_xi_is_checked_in_the_coarser_type():
    inputs = keras.ops.zeros((2, 8), "float32")
    with pytest.raises(ValueError, match="lost in rounding: in float32"):
        check_xi(1e-6, inputs, "float64")
    check_xi(1e-5, inputs, "float64")


def test_xi_that_rounding_would_swallow(data, network, model, fit):
    with pytest.raises(ValueError, match="xi=1e-08 is lost in rounding: in float32.*at least"):
        fit(model(network(), zoo.VirtualAdversarialTraining(1.0, xi=1e-8)), *data)
