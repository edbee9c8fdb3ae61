"""The work that a step cannot avoid: counted by hand for small networks, and the times that it is given."""

import keras
import pytest

from benchmarks import products
from benchmarks.limit import limit
from benchmarks.products import Times, convolution_times, layer_times
from benchmarks.subjects import LADDER_METHODS, METHODS, NETWORKS, Layer, Products, build_network, layers_of
from zoo.recipes.recipe import PRECISIONS

CONVOLUTION = Layer((2, 5, 6, 3), (2, 5, 6, 4), (3, 3, 3, 4), "same")
VALID = Layer((2, 5, 6, 3), (2, 3, 4, 4), (3, 3, 3, 4), "valid")
DENSE = Layer((2, 7), (2, 5), (7, 5), None)


def units(method, layers):
    """Unavoidable operations in units of one forward pass."""
    times = [Times(*[layer.operations] * 3) for layer in layers]
    return limit(times, METHODS[method][1], 0, 1.0) / sum(layer.operations for layer in layers)


@pytest.mark.parametrize(
    "method, expected", [("baseline", 2.5), ("at_l2", 5.5), ("vmt_all", 5.5), ("vat", 7.0), ("at_pgd", 25.0)]
)
def test_units_of_the_mnist_network(method, expected):
    layers = layers_of(build_network("mnist_mlp"), 100)
    work = sum(layer.operations for layer in layers)
    assert work == 2 * 100 * (784 * 1200 + 1200 * 600 + 600 * 300 + 300 * 150 + 150 * 10)
    assert units(method, layers) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("method, ratio", [("at_l2", 2.0), ("vmt_all", 2.0), ("vat", 2.67)])
def test_convolutions_count_at_every_position(method, ratio):
    layers = layers_of(build_network("conv_small"), 1)
    first = layers[0].operations
    assert first == 2 * 32 * 32 * 3 * 3 * 3 * 64
    above = 2 * 32 * 32 * 9 * 64 * 64 + 16 * 16 * 9 * 128 * (64 + 2 * 128) + 6 * 6 * 128 * (9 * 128 + 2 * 128) + 1280
    assert sum(layer.operations for layer in layers) == first + 2 * above
    assert units(method, layers) / units("baseline", layers) == pytest.approx(ratio, abs=0.02)


def test_convolutions_have_their_own_shapes():
    layers = layers_of(build_network("conv_small"), 7)
    assert layers[0] == Layer((7, 32, 32, 3), (7, 32, 32, 64), (3, 3, 3, 64), "same")
    assert layers[6] == Layer((7, 8, 8, 128), (7, 6, 6, 128), (3, 3, 128, 128), "valid")
    assert len(layers) == 10 and len(set(layers)) == 7


def test_strides_are_refused():
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3, strides=2, name="coarse")])
    with pytest.raises(ValueError, match="'coarse' has strides"):
        layers_of(network, 1)


def test_limit_adds_products_and_the_optimizers_traffic():
    times = [Times(1.0, 2.0, 4.0), Times(10.0, 20.0, 40.0)]
    seconds = 3 * 11.0 + 2 * 22.0 + 3 * 44.0 - 2 * 4.0
    assert limit(times, Products(3, 2, 3, 2), 1000, 1e5) == pytest.approx(seconds + 7 * 4 * 1000 / 1e5)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_product_takes_time(precision, monkeypatch):
    monkeypatch.setattr(products, "SIDE", 16)
    times = layer_times([CONVOLUTION, VALID, DENSE, CONVOLUTION], precision, on_cpu=True)
    assert all(seconds > 0 for each in times for seconds in each)
    assert times[0] is times[3] and len(set(times[2])) == 1


def test_equal_layers_are_measured_once(monkeypatch):
    measured = []
    monkeypatch.setattr(products, "convolution_times", lambda layer, *_: measured.append(layer) or Times(1.0, 2.0, 3.0))
    assert layer_times([VALID, CONVOLUTION, VALID], "float32", on_cpu=True) == [Times(1.0, 2.0, 3.0)] * 3
    assert measured == [VALID, CONVOLUTION]


def test_several_products_in_one_call(monkeypatch):
    """As on a GPU, where PyTorch is left out."""
    monkeypatch.setattr(products, "COPIES", 3)
    assert all(seconds > 0 for seconds in convolution_times(VALID, "float32", on_cpu=False))


def test_every_network_and_ladder_method_has_work():
    for name in NETWORKS:
        assert all(layer.operations > 0 for layer in layers_of(build_network(name), 2))
    assert all(1 <= work.spared <= work.input_gradient for _, work in LADDER_METHODS.values())
