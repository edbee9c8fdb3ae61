"""Sums, factors, weights and configurations of regularizers."""

import json

import numpy as np
import pytest
from keras import ops, saving

from zoo import regularizers
from zoo.regularizers import REGULARIZERS, Regularizer, RegularizerSum, Smooth, build, hyperparameters

EXAMPLES = {
    "at": {"epsilon": 0.5, "noise": "sign", "input_range": (0, 1)},
    "trades": {"epsilon": 0.5, "norm": "l2", "num_steps": 4, "step_size": 0.2, "input_range": (0, 1)},
    "vat": {"epsilon": 2.0, "num_power_iterations": 2, "xi": 0.01, "distribution": "gaussian", "output_std": 0.5},
    "mart": {"epsilon": 0.5, "num_steps": 4, "random_start": False, "divergence_weight": 2.0},
    "awp": {"regularizer": {"mart": {"epsilon": 0.5, "weight": 3.0}}, "gamma": 0.01},
    "entropy": {},
    "vmt": {"field": {"name": "smooth", "num_cosines": 3}, "border": "nearest", "lattice_shape": (4, 5)},
    "tangent": {"field": {"name": "smooth", "num_cosines": 3}, "border": "nearest", "data_format": "channels_first"},
    "smoothness": {"epsilon": 0.1, "direction": "adversarial", "divergence": "kl", "num_power_iterations": 3},
    "jacobian": {"num_projections": 2},
    "weight_noise": {"noise_std": 0.1},
    "parameter_tying": {"first": "encoder", "second": "decoder"},
    "norm_constraint": {"bound": 2.0},
}
COMMON = {"weight": 0.25, "ramp_up_steps": 7}


def test_every_method_has_an_example():
    assert set(EXAMPLES) == set(REGULARIZERS)
    assert all(REGULARIZERS[name].__name__ in regularizers.__all__ for name in REGULARIZERS)


def serialized(methods):
    return saving.serialize_keras_object(build(methods))


@pytest.mark.parametrize("name", REGULARIZERS)
def test_config_round_trip(name):
    member = build({name: {**EXAMPLES[name], **COMMON}})
    assert type(member) is REGULARIZERS[name]
    config = member.get_config()
    assert set(config) == set(hyperparameters(REGULARIZERS[name]))
    for option, value in {**EXAMPLES[name], **COMMON}.items():
        assert config[option] == (serialized(value) if option == "regularizer" else value)
    written = json.loads(json.dumps(saving.serialize_keras_object(member)))
    again = saving.deserialize_keras_object(written)
    assert type(again) is type(member)
    assert again.get_config() == config
    assert repr(again) == repr(member) and repr(member).startswith(type(member).__name__)


def test_config_with_a_field_object():
    member = REGULARIZERS["vmt"](Smooth(3), lattice_shape=(4, 5))
    again = saving.deserialize_keras_object(saving.serialize_keras_object(member))
    assert isinstance(again.field, Smooth) and again.field.num_cosines == 3
    assert again.lattice_shape == (4, 5)


def test_sum():
    members = [build({name: {**options, **COMMON}}) for name, options in EXAMPLES.items()]
    total = members[0] + (members[1] + members[2]) + RegularizerSum(members[3:])
    assert total.terms == tuple(members)
    assert [member.terms for member in members] == [(member,) for member in members]
    again = saving.deserialize_keras_object(json.loads(json.dumps(saving.serialize_keras_object(total))))
    assert [term.get_config() for term in again.terms] == [member.get_config() for member in members]
    assert type(build({name: EXAMPLES[name] for name in ("vat", "entropy")})) is RegularizerSum


def test_a_sum_names_its_terms():
    members = [build({name: EXAMPLES[name]}) for name in ("vat", "entropy", "at")]
    assert repr(members[0] + members[1] + members[2]) == " + ".join(map(repr, members))


def test_sum_needs_derivatives_when_a_member_does():
    without, needing = build({"entropy": {}}), build({"at": {"epsilon": 1.0}})
    assert not (without + without).needs_input_derivatives
    assert (without + needing).needs_input_derivatives


@pytest.mark.parametrize("other", [1, None, "vat"])
def test_sum_with_something_else(other):
    member = build({"entropy": {}})
    with pytest.raises(TypeError):
        member + other
    with pytest.raises(TypeError, match="takes Regularizer objects, received"):
        RegularizerSum([member, other])


def test_factors():
    member = build({"at": {"epsilon": 1.0, "weight": 0.5, "ramp_up_steps": 3}})
    for scaled in (4 * member, member * 4):
        assert scaled.get_config() == {**member.get_config(), "weight": 2.0}
    assert member.weight == 0.5
    total = 3 * (member + build({"entropy": {}}))
    assert [term.weight for term in total.terms] == [1.5, 3.0]
    with pytest.raises(ValueError, match="factor must be at least 0, received -1"):
        -1 * member
    with pytest.raises(TypeError, match="factor must be a number"):
        member * "2"


def test_ramp_up():
    ramped, constant = Regularizer(weight=2.0, ramp_up_steps=4), Regularizer(weight=2.0)
    steps = ops.convert_to_tensor(np.arange(8, dtype="int32"))
    expected = 2.0 * np.minimum((np.arange(8) + 1) / 4, 1)
    np.testing.assert_allclose(ops.convert_to_numpy(ramped.current_weight(steps)), expected)
    assert constant.current_weight(0) == 2.0


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"weight": -0.5}, ValueError, "weight must be at least 0, received -0.5"),
        ({"weight": "1"}, TypeError, "weight must be a number"),
        ({"ramp_up_steps": -1}, ValueError, "ramp_up_steps must be at least 0"),
        ({"ramp_up_steps": 1.5}, TypeError, "ramp_up_steps must be an integer"),
    ],
)
def test_common_arguments(options, error, message):
    for name, own in EXAMPLES.items():
        with pytest.raises(error, match=message):
            build({name: {**own, **options}})


def test_shared_head_computes_nothing():
    with pytest.raises(NotImplementedError):
        Regularizer().per_example(None)


def test_nothing_to_build():
    assert build({}) is None


@pytest.mark.parametrize(
    "methods, error, message",
    [
        ({"vatt": {}}, ValueError, "Unknown regularizer 'vatt'. Did you mean 'vat'"),
        ({"vat": {"epsilom": 1}}, ValueError, "Unknown hyperparameter of vat 'epsilom'. Did you mean 'epsilon'"),
        ({"at": {"epsilon": 1, "weigth": 1}}, ValueError, "Did you mean 'weight'"),
        ({"vat": 0.5}, TypeError, "The hyperparameters of vat must be a dictionary, received 0.5"),
        ({"at": {}}, TypeError, "The regularizer at needs a value for 'epsilon', received {}"),
        ({"vmt": {"weight": 1.0}}, TypeError, "The regularizer vmt needs a value for 'field'"),
        ({"parameter_tying": {"first": "a"}}, TypeError, "needs a value for 'second'"),
    ],
)
def test_what_cannot_be_built(methods, error, message):
    with pytest.raises(error, match=message):
        build(methods)


class Open(Regularizer):
    def __init__(self, strength, **kwargs):
        super().__init__(**kwargs)
        self.strength = strength


class Closed(Regularizer):
    def __init__(self, strength):
        super().__init__()
        self.strength = strength


def test_own_regularizers_may_name_their_common_arguments_as_they_like():
    scaled = 0.5 * Open(3.0, weight=4.0, interval=2)
    assert scaled.get_config() == {"strength": 3.0, "weight": 2.0, "ramp_up_steps": 0, "interval": 2}
    assert repr(Open(1.0)) == "Open(strength=1.0, weight=1.0, ramp_up_steps=0, interval=1)"


class Annealed(regularizers.VirtualAdversarialTraining):
    def __init__(self, epsilon, *args, rate=0.5, **kwargs):
        super().__init__(epsilon, *args, **kwargs)
        self.rate = rate


def test_a_regularizer_that_inherits_from_one_of_the_zoo_keeps_its_arguments():
    config = Annealed(2.0, xi=0.1, num_power_iterations=2, weight=3.0).get_config()
    assert config.items() >= {"epsilon": 2.0, "xi": 0.1, "num_power_iterations": 2, "weight": 3.0, "rate": 0.5}.items()
    again = 0.5 * Annealed.from_config(config)
    assert again.get_config() == {**config, "weight": 1.5} and again.xi == 0.1 and "xi=0.1" in repr(again)


class Linf(regularizers.AdversarialTraining):
    def __init__(self, epsilon, **kwargs):
        super().__init__(epsilon, norm="linf", num_steps=10, **kwargs)


def test_a_regularizer_may_choose_arguments_of_the_one_that_it_inherits_from():
    again = 0.5 * Linf.from_config(Linf(0.3, attack_mode="prediction").get_config())
    assert (again.norm, again.num_steps, again.attack_mode, again.weight) == ("linf", 10, "prediction", 0.5)
    assert "norm" not in again.get_config()


def test_own_regularizers_without_common_arguments_have_no_factor():
    assert Closed.from_config(Closed(3.0).get_config()).strength == 3.0
    assert repr(Closed(1.0)) == "Closed(strength=1.0)"
    with pytest.raises(TypeError, match=r"Closed has no argument weight. Let its constructor take \*\*common"):
        0.5 * Closed(1.0)


@pytest.mark.parametrize("name", ["VirtualMovementTraining", "TangentPropagation"])
@pytest.mark.parametrize("shape, error", [(100, TypeError), ((28, 1), ValueError), ((28.0, 28), TypeError)])
def test_the_lattice_has_lengths(name, shape, error):
    with pytest.raises(error, match="lattice_shape"):
        getattr(regularizers, name)("shift", lattice_shape=shape)
