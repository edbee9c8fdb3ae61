"""What a trained classifier does around its inputs."""

from zoo.analysis.attacks import ATTACKS, attacked_error_percent, gaussian_sign_noise, loss_gradient, sign_noise

__all__ = ["ATTACKS", "attacked_error_percent", "gaussian_sign_noise", "loss_gradient", "sign_noise"]
