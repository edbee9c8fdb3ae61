"""Measured effects of small perturbations, compared with their theoretical limits."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from zoo.analysis.estimate import Estimate
from zoo.analysis.fisher import largest_fisher_eigenvalue
from zoo.analysis.jacobian import num_positions, singular_values
from zoo.analysis.penalties import penalty_values
from zoo.backend.random_numbers import Seed, as_integer
from zoo.regularizers import Smoothness, VirtualAdversarialTraining
from zoo.validation import check_number

Tensor = Any  # a tensor of the backend

NUM_POWER_ITERATIONS = 30


def limit_ratios(
    network: Callable[..., Tensor],
    inputs: Any,
    epsilons: Sequence[float],
    *,
    num_draws: int = 8,
    output_std: float = 1.0,
    seed: Seed = 0,
) -> dict[str, tuple[np.ndarray, Estimate]]:
    """Measured penalties divided by their limits for small perturbations. The ratios tend to 1 as ε → 0.

    With the Jacobian J of the logits h and the Fisher information F of the prediction in the input:

    - `"noise"`: `E‖h − h̃‖² → ε²·‖J‖_F²` with `Δx ~ N(0, ε²I)`;
    - `"adversarial"`: `max ‖h − h̃‖² → ε²·λ_max(JᵀJ)` over `‖Δx‖ = ε`;
    - `"vat"`: `max KL[p ‖ p̃] → ε²/2·λ_max(F)`;
    - `"gaussian_vat"`: `max KL → ε²·λ_max(JᵀJ)/(2σ²)` for Gaussian outputs of standard deviation σ.

    For a linear network the first, the second and the last are exact at every ε. Of dense outputs, penalties and limits
    are means over the positions.

    Args:
        network: Keras network from inputs to logits, or to what `Classifier` recognizes.
        inputs: as for `jacobian`. In single precision the smallest ε should be 1e-2 of the size of the
            inputs.
        epsilons: values of ε, above 0, in units of the input.
        num_draws: number of noise draws per input, at least 1.
        output_std: σ, above 0.
        seed: integer, `keras.random.SeedGenerator` or None, for noise and directions.

    Returns:
        `{statement: (epsilons, ratios)}`. The ratios are an `Estimate` of arrays over the epsilons: the ratio of the
        means over the inputs. Its standard error is that of the draws: 0 without noise, NaN for one draw.

    Raises:
        TypeError: a number is expected and not given.
        ValueError: an ε is not above 0, or `num_draws` is below 1.

    Source: Abbas, Kivinen, Raiko, 2016, "Understanding regularization by virtual adversarial training, ladder networks
    and others", sections 3.1 to 3.4.

    Example:
        >>> network = lambda x: keras.ops.matmul(x, np.diag([2.0, 1.0]))
        >>> epsilons, ratios = zoo.analysis.limit_ratios(network, np.zeros((3, 2)), [0.1, 1.0])["adversarial"]
        >>> ratios.mean.round(6)
        array([1., 1.])
    """
    epsilons = [check_number("epsilons", float(each), above=0) for each in epsilons]
    check_number("num_draws", num_draws, 1, integer=True)
    check_number("output_std", output_std, above=0)
    seed = as_integer(seed)
    sizes = np.asarray(epsilons)

    def ratios(limit, draws, regularizer):
        means = [
            [np.mean(penalty_values(network, inputs, regularizer(e), seed=seed + draw)) for e in epsilons]
            for draw in range(max(draws, 1))
        ]
        estimate = Estimate.of(means)
        error = estimate.standard_error if draws else np.zeros_like(sizes)
        return estimate._replace(standard_error=error).scaled(1 / (limit * sizes**2))

    statements = _statements(network, inputs, num_draws, output_std)
    return {name: (sizes, ratios(*statement)) for name, statement in statements.items()}


def _statements(
    network: Callable[..., Tensor], inputs: Any, num_draws: int, output_std: float
) -> dict[str, tuple[float, int, Callable[[float], Any]]]:
    """For each statement the limit divided by ε², the number of draws, and the regularizer of an ε."""
    squares = singular_values(network, inputs) ** 2 / np.reshape(num_positions(network, inputs), (-1, 1))
    frobenius, largest = float(np.mean(np.sum(squares, axis=-1))), float(np.mean(squares[:, 0]))
    fisher = float(np.mean(largest_fisher_eigenvalue(network, inputs)))
    iterated: dict[str, Any] = {"num_power_iterations": NUM_POWER_ITERATIONS}
    gaussian: dict[str, Any] = {"distribution": "gaussian", "output_std": output_std, **iterated}
    return {
        "noise": (frobenius, num_draws, Smoothness),
        "adversarial": (largest, 0, lambda epsilon: Smoothness(epsilon, direction="adversarial", **iterated)),
        "vat": (fisher / 2, 0, lambda epsilon: VirtualAdversarialTraining(epsilon, **iterated)),
        "gaussian_vat": (
            largest / (2 * output_std**2),
            0,
            lambda epsilon: VirtualAdversarialTraining(epsilon, **gaussian),
        ),
    }
