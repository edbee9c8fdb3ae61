"""What a trained classifier does around its inputs."""

from zoo.analysis.attacks import ATTACKS, attacked_error_percent, gaussian_sign_noise, loss_gradient, sign_noise
from zoo.analysis.movement import worst_movement_changes

__all__ = [
    "ATTACKS",
    "attacked_error_percent",
    "gaussian_sign_noise",
    "loss_gradient",
    "sign_noise",
    "worst_movement_changes",
]
