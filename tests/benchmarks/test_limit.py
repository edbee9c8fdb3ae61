"""The work that a step cannot avoid: counted by hand for small networks."""

import pytest

from benchmarks.limit import limit
from benchmarks.subjects import LADDER_METHODS, METHODS, NETWORKS, build_network, forward_work


def units(method, first_share):
    """Unavoidable products in units of one forward pass whose first layer is this share of it."""
    _, (whole, first) = METHODS[method]
    return whole - first * first_share


@pytest.mark.parametrize("method, expected", [("baseline", 2.5), ("at_l2", 5.5), ("vmt_all", 5.5), ("vat", 7.0)])
def test_units_of_the_mnist_network(method, expected):
    work, first = forward_work(build_network("mnist_mlp"), 100)
    assert work == 2 * 100 * (784 * 1200 + 1200 * 600 + 600 * 300 + 300 * 150 + 150 * 10)
    assert units(method, first / work) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("method, ratio", [("at_l2", 2.0), ("vmt_all", 2.0), ("vat", 2.67)])
def test_convolutions_count_at_every_position(method, ratio):
    work, first = forward_work(build_network("conv_small"), 1)
    assert first == 2 * 32 * 32 * 3 * 3 * 3 * 64
    above = 2 * 32 * 32 * 9 * 64 * 64 + 16 * 16 * 9 * 128 * (64 + 2 * 128) + 6 * 6 * 128 * (9 * 128 + 2 * 128) + 1280
    assert work == first + 2 * above
    assert units(method, first / work) / units("baseline", first / work) == pytest.approx(ratio, abs=0.02)


def test_limit_adds_products_and_the_optimisers_traffic():
    rates = {"product": 1e9, "memory": 1e8}
    assert limit((2e6, 1e6), (3, 1), 1000, rates) == pytest.approx(5e6 / 1e9 + 7 * 4 * 1000 / 1e8)


def test_every_network_and_ladder_method_has_work():
    for name in NETWORKS:
        work, first = forward_work(build_network(name), 2)
        assert 0 < first <= work
    assert all(whole > first > 0 for _, (whole, first) in LADDER_METHODS.values())
