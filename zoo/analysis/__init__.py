"""Measures of a trained classifier: attacks, sensitivity to perturbations and movements, calibration.

Most measures take a network from inputs to logits, run it in prediction mode and return one value for each example.
`Estimate.of(values)` is their mean with its standard error. The inputs may be several, what moves may be some of them
or what named layers return, and the outputs may be multi-label, dense, or one of several, see `Classifier`.
"""

from zoo.analysis.attacked_error import AttackedError
from zoo.analysis.attacks import (
    ATTACKS,
    auto_attack,
    auto_pgd,
    fast_adaptive_boundary,
    gaussian_noise,
    gaussian_sign_noise,
    projected_gradient_descent,
    sign_noise,
    square,
    virtual_adversarial_noise,
)
from zoo.analysis.calibration import Reliability, reliability
from zoo.analysis.classifier import Classifier
from zoo.analysis.dropout_masks import mean_over_masks
from zoo.analysis.errors import generalization_gap, misclassified
from zoo.analysis.estimate import Estimate
from zoo.analysis.fisher import largest_fisher_eigenvalue
from zoo.analysis.jacobian import jacobian, singular_values, squared_frobenius_norm
from zoo.analysis.moved_inputs import move, randomly_moved
from zoo.analysis.movement import worst_movement_changes, worst_movements
from zoo.analysis.penalties import local_distributional_smoothness, penalty_values
from zoo.analysis.prediction_pass import loss_gradient, predict_logits
from zoo.analysis.robustness import (
    MOVEMENTS,
    attacked_error_percent,
    misclassified_under_attack,
)
from zoo.analysis.theory import limit_ratios
from zoo.analysis.units import UNITS, Attacked, attacked

__all__ = [
    "ATTACKS",
    "MOVEMENTS",
    "UNITS",
    "Attacked",
    "AttackedError",
    "Classifier",
    "Estimate",
    "Reliability",
    "attacked",
    "attacked_error_percent",
    "auto_attack",
    "auto_pgd",
    "fast_adaptive_boundary",
    "gaussian_noise",
    "gaussian_sign_noise",
    "generalization_gap",
    "jacobian",
    "largest_fisher_eigenvalue",
    "limit_ratios",
    "local_distributional_smoothness",
    "loss_gradient",
    "mean_over_masks",
    "misclassified",
    "misclassified_under_attack",
    "move",
    "penalty_values",
    "predict_logits",
    "projected_gradient_descent",
    "randomly_moved",
    "reliability",
    "sign_noise",
    "singular_values",
    "square",
    "squared_frobenius_norm",
    "virtual_adversarial_noise",
    "worst_movement_changes",
    "worst_movements",
]
