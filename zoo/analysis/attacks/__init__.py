"""Attacks: functions that perturb inputs by a given size.

An attack moves one tensor for each example, as penalties do in training (`perturb` of `RegularizedModel`, or of
`zoo.analysis.Classifier`), and ε is a norm over all of it:

- one input: the input;
- several inputs: the floating-point ones together, or those that `perturb` names, each `scale` times as far. The
  attack returns the structure that it receives: a dictionary for a dictionary. Inputs that do not move, such as
  integers and strings, are the very arrays that came;
- named layers, such as `perturb="embedding"`: what these layers return. No perturbed input belongs to that, so the
  attack returns the perturbed tensor of the layers, `(n, ...)`. `misclassified_under_attack` and
  `attacked_error_percent` put it in place.

Multi-label networks decide about each label, and dense ones at each position. `sign_noise`, PGD and APGD then raise the
binary cross-entropies of all labels, or the cross-entropies of all positions; Square keeps what raises them; and an
example counts as fooled once all its decisions are wrong. FAB, AutoAttack, targets and the difference of logits ratio
look for another class, so they need one class for each example, and raise `ValueError` without it.
"""

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
