"""A loss that becomes NaN is reported once, with its epoch and step."""

import warnings

import keras
import numpy as np
import pytest

import zoo
from tests.support.small_models import Pairs


def exploding(model, network, **options):
    return model(network(), zoo.VirtualAdversarialTraining(1.0), "mse", keras.optimizers.SGD(1e30), **options)


def test_fit_warns_once(data, network, model, fit, quick):
    x, _ = data
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = fit(exploding(model, network, **quick), x, x[:, :3], epochs=3)
    messages = [str(each.message) for each in caught if "The loss became" in str(each.message)]
    assert len(messages) == 1 and "in epoch 1, step" in messages[0] and "labels" in messages[0]
    assert not np.isfinite(history["loss"]).all()


def test_a_good_loss_is_no_reason_to_warn(data, network, model, fit, quick):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        guard = zoo.training.callbacks.WarnOnNaN()
        guard.on_epoch_begin(0)
        guard.on_train_batch_end(0, {"loss": 2.0})
    assert not guard.warned


def test_halt_on_nan_still_stops(data, network, model, fit, quick):
    x, _ = data
    with pytest.raises(FloatingPointError, match="in epoch 1, step .* last good checkpoint is kept"):
        fit(exploding(model, network, **quick), x, x[:, :3], callbacks=[zoo.training.callbacks.HaltOnNaN()])


@pytest.mark.parametrize("generalized", [False, True])
@pytest.mark.parametrize("wrong", [3, -1])
def test_labels_out_of_range_after_the_first_batch(wrong, generalized, data, network, fit, quick):
    def make():
        trained = zoo.RegularizedModel(network(activation="softmax"), zoo.VirtualAdversarialTraining(1.0), seed=0)
        losses = keras.losses.SparseCategoricalCrossentropy(), keras.losses.CategoricalGeneralizedCrossEntropy()
        trained.compile("sgd", losses[generalized], **quick)
        return trained

    x, y = data
    bad = y.copy()
    bad[20] = wrong  # in the last batch, which no check reads before training
    trained, evaluated = make(), make()
    assert np.isfinite(evaluated.evaluate(Pairs(x, y), verbose=0))
    if keras.backend.backend() == "tensorflow" and not generalized:  # without XLA; with XLA the loss is NaN
        for call in (lambda: fit(trained, Pairs(x, bad)), lambda: evaluated.evaluate(Pairs(x, bad), verbose=0)):
            with pytest.raises(Exception, match=f"a label value of {wrong} which is outside the valid range"):
                call()
        return
    with pytest.warns(UserWarning, match="became nan in epoch 1, step 3.* a class index that is out of range"):
        assert np.isnan(fit(trained, Pairs(x, bad), shuffle=False)["loss"][0])
    assert np.isnan(evaluated.evaluate(Pairs(x, bad), verbose=0))
