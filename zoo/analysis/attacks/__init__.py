"""Attacks: functions that perturb inputs by a given size."""

import functools
from collections.abc import Callable
from typing import Any

from zoo.analysis.attacks.auto_attack import auto_attack
from zoo.analysis.attacks.auto_pgd import auto_pgd
from zoo.analysis.attacks.fast_adaptive_boundary import fast_adaptive_boundary
from zoo.analysis.attacks.gaussian_noise import gaussian_noise
from zoo.analysis.attacks.gaussian_sign_noise import gaussian_sign_noise
from zoo.analysis.attacks.projected_gradient_descent import projected_gradient_descent
from zoo.analysis.attacks.sign_noise import sign_noise
from zoo.analysis.attacks.square import square
from zoo.analysis.attacks.virtual_adversarial_noise import virtual_adversarial_noise

ATTACKS: dict[str, Callable[..., Any]] = {
    "sign": sign_noise,
    "gaussian_sign": gaussian_sign_noise,
    "gaussian_noise": gaussian_noise,
    "virtual_adversarial": virtual_adversarial_noise,
    "pgd_l2": functools.partial(projected_gradient_descent, norm="l2"),
    "pgd_linf": functools.partial(projected_gradient_descent, norm="linf"),
    "apgd_l2": functools.partial(auto_pgd, norm="l2"),
    "apgd_linf": functools.partial(auto_pgd, norm="linf"),
    "fab_l2": functools.partial(fast_adaptive_boundary, norm="l2"),
    "fab_linf": functools.partial(fast_adaptive_boundary, norm="linf"),
    "square_l2": functools.partial(square, norm="l2"),
    "square_linf": functools.partial(square, norm="linf"),
    "autoattack_l2": functools.partial(auto_attack, norm="l2"),
    "autoattack": functools.partial(auto_attack, norm="linf"),
}
"""Each attack by its name: `(network, inputs, labels, size, seed, input_range) -> perturbed inputs`."""

__all__ = [
    "ATTACKS",
    "auto_attack",
    "auto_pgd",
    "fast_adaptive_boundary",
    "gaussian_noise",
    "gaussian_sign_noise",
    "projected_gradient_descent",
    "sign_noise",
    "square",
    "virtual_adversarial_noise",
]
