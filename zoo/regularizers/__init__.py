"""Regularizers: penalties that a `RegularizedModel` adds to its loss, and the mathematics that users may need."""

import inspect
from collections.abc import Mapping
from typing import Any

from zoo.regularizers.adversarial_training import AdversarialTraining
from zoo.regularizers.adversarial_weight_perturbation import AdversarialWeightPerturbation
from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.entropy_minimization import EntropyMinimization
from zoo.regularizers.input_perturbation import InputPerturbation
from zoo.regularizers.jacobian_penalty import JacobianPenalty
from zoo.regularizers.linearized_pass import LinearizedPass
from zoo.regularizers.mart import Mart
from zoo.regularizers.math.divergences import bernoulli_kl, categorical_kl, entropy, gaussian_kl, squared_distance
from zoo.regularizers.math.movement_fields import Affine, MovementField, Rotation, Scale, Shift, Smooth
from zoo.regularizers.math.worst_directions import adversarial_noise
from zoo.regularizers.norm_constraint import NormConstraint
from zoo.regularizers.parameter_tying import ParameterTying
from zoo.regularizers.regularizer import Regularizer, RegularizerSum, hyperparameters
from zoo.regularizers.smoothness import Smoothness
from zoo.regularizers.tangent_propagation import TangentPropagation
from zoo.regularizers.trades import Trades
from zoo.regularizers.virtual_adversarial_training import VirtualAdversarialTraining
from zoo.regularizers.virtual_movement_training import VirtualMovementTraining
from zoo.regularizers.weight_noise import WeightNoise
from zoo.validation import check_choice

REGULARIZERS: dict[str, type[Regularizer]] = {
    "at": AdversarialTraining,
    "vat": VirtualAdversarialTraining,
    "trades": Trades,
    "mart": Mart,
    "awp": AdversarialWeightPerturbation,
    "entropy": EntropyMinimization,
    "vmt": VirtualMovementTraining,
    "tangent": TangentPropagation,
    "smoothness": Smoothness,
    "jacobian": JacobianPenalty,
    "weight_noise": WeightNoise,
    "parameter_tying": ParameterTying,
    "norm_constraint": NormConstraint,
}
"""The class of each regularizer by its name in recipes."""


def _inner(name, options):
    """The regularizer inside another one, made from data; nothing if there is none."""
    inner = options.get("regularizer")
    if inner is None:
        return {}
    if not isinstance(inner, dict) or len(inner) != 1:
        raise TypeError(f"The regularizer of {name} must be a dictionary with one name, received {inner!r}.")
    return {"regularizer": build(inner)}


def build(regularizers: Mapping[str, Any]) -> Regularizer | None:
    """Makes a regularizer from data.

    Args:
        regularizers: maps the name of each regularizer (`"at"`, `"vat"`, `"vmt"` …) to a dictionary of its
            hyperparameters. That of `"awp"` has another such dictionary, with one name, as `"regularizer"`.

    Returns:
        The `Regularizer`, a `RegularizerSum` if there are several, or None if there is none.

    Raises:
        ValueError: an unknown regularizer or hyperparameter, with the nearest name; or a value out of range.
        TypeError: a hyperparameter is missing or has the wrong type.

    Example:
        >>> zoo.regularizers.build({"vat": {"epsilon": 2.0}, "vmt": {"field": "smooth", "weight": 0.5}}).terms[1].weight
        0.5
    """
    terms = []
    for name, options in regularizers.items():
        regularizer = REGULARIZERS[check_choice("regularizer", name, REGULARIZERS)]
        if not isinstance(options, dict):
            raise TypeError(f"The hyperparameters of {name} must be a dictionary, received {options!r}.")
        for option in options:
            check_choice(f"hyperparameter of {name}", option, hyperparameters(regularizer))
        for option, parameter in inspect.signature(regularizer).parameters.items():
            positional = parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
            if positional and parameter.default is parameter.empty and option not in options:
                raise TypeError(f"The regularizer {name} needs a value for {option!r}, received {options!r}.")
        terms.append(regularizer(**{**options, **_inner(name, options)}))
    return None if not terms else terms[0] if len(terms) == 1 else RegularizerSum(terms)


__all__ = [
    "REGULARIZERS",
    "AdversarialTraining",
    "AdversarialWeightPerturbation",
    "Affine",
    "CleanPass",
    "EntropyMinimization",
    "InputPerturbation",
    "JacobianPenalty",
    "LinearizedPass",
    "Mart",
    "MovementField",
    "NormConstraint",
    "ParameterTying",
    "Regularizer",
    "RegularizerSum",
    "Rotation",
    "Scale",
    "Shift",
    "Smooth",
    "Smoothness",
    "TangentPropagation",
    "Trades",
    "VirtualAdversarialTraining",
    "VirtualMovementTraining",
    "WeightNoise",
    "adversarial_noise",
    "bernoulli_kl",
    "build",
    "categorical_kl",
    "entropy",
    "gaussian_kl",
    "squared_distance",
]
