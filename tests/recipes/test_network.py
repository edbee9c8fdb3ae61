"""The networks of recipes."""

import pytest

from zoo.recipes.network import NETWORKS, network_by_name

OPTIONS = {"ladder_encoder": {"rungs": [{"name": "dense", "units": 5}, {"name": "dense", "units": 3}]}}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_by_its_name(name):
    options = OPTIONS.get(name, {})
    built = network_by_name(name, (12, 12, 1), 3, **options)
    direct = NETWORKS[name]((12, 12, 1), 3, **options)
    assert built.name == name and built.output_shape == (None, 3)
    assert [w.shape for w in built.weights] == [w.shape for w in direct.weights]


def test_options_reach_the_network():
    model = network_by_name("mlp", (4,), 3, hidden_units=(5,), batch_normalization=False, name="student")
    assert model.count_params() == 4 * 5 + 5 + 5 * 3 + 3 and model.name == "student"


def test_unknown_network_names_the_nearest():
    with pytest.raises(ValueError, match="Unknown network 'conv_smal'. Did you mean 'conv_small'"):
        network_by_name("conv_smal", (32, 32, 3), 10)


def test_unknown_option_names_the_nearest_of_that_network():
    with pytest.raises(ValueError, match="Unknown option of mlp 'hidden_unit'. Did you mean 'hidden_units'"):
        network_by_name("mlp", (4,), 3, hidden_unit=(5,))
    with pytest.raises(ValueError, match="Unknown option of conv_small 'hidden_units'"):
        network_by_name("conv_small", (32, 32, 3), 10, hidden_units=(5,))
