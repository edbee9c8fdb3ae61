"""Inputs that a model cannot train on correctly are refused, with what to do instead."""

import importlib.util

import keras
import numpy as np
import pytest
from keras import layers

import zoo

VAT = zoo.VirtualAdversarialTraining(1.0)
Y = (np.arange(24) % 3).astype("int32")


def wrapped(network):
    return zoo.RegularizedModel(network, VAT)


def test_a_wrapped_network_is_refused_at_any_depth(network):
    for inner in (wrapped(network()), keras.Sequential([keras.Input((6,)), wrapped(network())])):
        with pytest.raises(ValueError, match="holds the RegularizedModel .* would not count.*model.network"):
            wrapped(inner)


@pytest.mark.parametrize("layer", [layers.MixUp, layers.CutMix])
def test_layers_that_mix_labels_are_refused(layer, network):
    mixing = keras.Sequential([keras.Input((12, 12, 3)), layer()])
    with pytest.raises(ValueError, match=f"{layer.__name__} mixes .* receives no labels"):
        zoo.RegularizedModel(network(shape=(12, 12, 3)), VAT, preprocessing=mixing)
    with pytest.raises(ValueError, match=f"{layer.__name__} mixes .* receives no labels"):
        zoo.RegularizedModel(keras.Sequential([mixing, network(shape=(12, 12, 3))]), VAT)


def test_the_regularizer_is_fixed(data, network, model, fit):
    trained = model(network(), VAT)
    fit(trained, *data)
    with pytest.raises(AttributeError, match=r"is fixed.*RegularizedModel\(model.network, regularizer\)"):
        trained.regularizer = zoo.AdversarialTraining(0.5)
    assert trained.regularizer is VAT


def test_sparse_arrays_are_refused(data, network, model, fit):
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(ValueError, match=r"dense inputs.*toarray\(\)"):
        fit(model(network(), VAT), sparse.csr_matrix(data[0]), data[1], batch_size=8)


@pytest.mark.parametrize(
    "x", [(np.zeros((24, 6)), np.zeros((24, 6))), {"a": np.zeros((24, 6)), "b": np.zeros((24, 6))}]
)
def test_one_input_is_not_several(x, network, model, fit):
    with pytest.raises(ValueError, match='pass one array, not a .* of 2.*"unlabeled": u'):
        fit(model(network(), VAT), x, Y, batch_size=8)


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="needs tf.data")
def test_zipped_sets_are_refused_with_the_map_that_fits(data, network, model, fit, quick):
    import tensorflow as tf

    x, y, u = (tf.data.Dataset.from_tensor_slices(each).batch(8) for each in (*data, data[0] + 1))
    zip_ = tf.data.Dataset.zip
    trained = model(network(), VAT, **quick)
    for zipped in (zip_(zip_(x, y), u), zip_(zip_(x, u), y)):
        with pytest.raises(ValueError, match="zipped tf.data set .map"):
            fit(trained, zipped)
    first = zip_(zip_(x, y), u).map(lambda xy, u: ({"labeled": xy[0], "unlabeled": u}, xy[1]))
    second = zip_(zip_(x, u), y).map(lambda xu, y: ({"labeled": xu[0], "unlabeled": xu[1]}, y))
    assert fit(trained, first)["vat"][0] > 0 and fit(trained, second)["vat"][0] > 0
    sparse = x.map(tf.sparse.from_dense)
    with pytest.raises(ValueError, match="tf.sparse.to_dense"):
        fit(trained, zip_(sparse, y))


class Pairs(keras.utils.PyDataset):
    """Batches with twice as many unlabeled as labeled inputs."""

    def __init__(self, unlabeled):
        super().__init__()
        self.unlabeled = unlabeled

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return {"labeled": self.unlabeled[:8], "unlabeled": self.unlabeled[:16]}, Y[:8]


def test_batches_may_have_more_unlabeled_inputs_than_labels(data, network, model, fit, quick):
    assert fit(model(network(), VAT, **quick), Pairs(data[0]))["vat"][0] > 0
    bad = data[0].copy()
    bad[12, 0] = np.nan
    with pytest.raises(ValueError, match="unlabeled training inputs hold 1 NaN"):
        fit(model(network(), VAT, **quick), Pairs(bad))
