"""The common base of adversarial training, MART and TRADES."""

import numpy as np
import pytest
from keras import ops

from zoo.regularizers import AdversarialTraining, Mart, Trades
from zoo.regularizers.ball_attack import BallAttack

ATTACKS = (AdversarialTraining, Mart, Trades)
SETTINGS = {"norm": "l2", "num_steps": 4, "step_size": None, "input_range": None, "attack_mode": "training"}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize(
    "options, message",
    [
        ({"epsilon": -1.0}, "epsilon must be at least 0, received -1.0"),
        ({"norm": "sign"}, "Unknown norm 'sign'"),
        ({"num_steps": 0}, "num_steps must be at least 1, received 0"),
        ({"step_size": -0.1}, "step_size must be at least 0, received -0.1"),
        ({"input_range": (1, 0)}, "increasing pair"),
        ({"attack_mode": "predict"}, "Unknown attack_mode 'predict'. Did you mean 'prediction'"),
    ],
)
def test_arguments(attack, options, message):
    with pytest.raises(ValueError, match=message):
        attack(**{"epsilon": 1.0, **options})


def test_a_ball_needs_a_norm_and_a_radius():
    with pytest.raises(ValueError, match="Unknown norm None"):
        Trades(1.0, norm=None)
    with pytest.raises(TypeError, match="epsilon"):
        Trades("1")


@pytest.mark.parametrize(
    "step_size, expected",
    [(None, [0.3, 0.4]), (0.1, [0.06, 0.08]), (5.0, [0.6, 0.8])],
    ids=["default", "short", "long"],
)
def test_the_first_step_ends_in_the_ball(step_size, expected):
    attack = BallAttack(1.0, **{**SETTINGS, "num_steps": 5, "step_size": step_size})
    step = attack.first_step(ops.convert_to_tensor(np.array([[3.0, 4.0]])))
    np.testing.assert_allclose(ops.convert_to_numpy(step), [expected], rtol=1e-6)


@pytest.mark.parametrize("taken, expected", [(0, 0.4), (1, 0.3), (4, 0.0)])
def test_the_ascent_takes_the_steps_that_are_left(taken, expected):
    """Along a constant gradient, each of the remaining steps moves 0.1 from the center."""
    attack = BallAttack(1.0, **{**SETTINGS, "step_size": 0.1})
    center = ops.convert_to_tensor(np.zeros((1, 2)))
    ascended = attack.ascend(lambda x: ops.convert_to_tensor(np.array([[0.0, 2.0]])), center, center, taken)
    np.testing.assert_allclose(ops.convert_to_numpy(ascended), [[0.0, expected]], rtol=1e-6)
