"""What theory says of small perturbations, beside what they do."""

import numpy as np

from zoo.analysis.estimate import Estimate
from zoo.analysis.fisher import largest_fisher_eigenvalue
from zoo.analysis.jacobian import singular_values
from zoo.analysis.penalties import penalty_values
from zoo.regularizers import Smoothness, VirtualAdversarialTraining
from zoo.validation import check_number

NUM_POWER_ITERATIONS = 30


def limit_ratios(network, inputs, epsilons, *, num_draws=8, output_std=1.0, seed=0):
    """Measured penalties over the limits that theory gives for small perturbations: the ratios tend to 1 as ε → 0.

    With J the Jacobian of the logits h and F the Fisher information of the prediction in the input:

    - `"noise"`: `E‖h − h̃‖² → ε²·‖J‖_F²` under `Δx ~ N(0, ε²I)`;
    - `"adversarial"`: `max ‖h − h̃‖² → ε²·λ_max(JᵀJ)` over `‖Δx‖ = ε`;
    - `"vat"`: `max KL[p ‖ p̃] → ε²/2·λ_max(F)`;
    - `"gaussian_vat"`: for Gaussian outputs of standard deviation σ, `max KL → ε²·λ_max(JᵀJ)/(2σ²)`.

    The first, second and last are exact at every ε for a network that is linear.

    Args:
        network: from inputs to logits.
        inputs: `(n, ...)`, floating-point. In single precision the smallest ε should be 1e-2 of the inputs' size.
        epsilons: sizes ε of the perturbation, above 0, in units of the input.
        num_draws: noise draws per input.
        output_std: σ.
        seed: of noise and of directions.

    Returns:
        `{statement: (epsilons, ratios)}`, the ratios as an `Estimate` of arrays over the epsilons; ratios of the means
        over the inputs, whose standard error is that of the draws: 0 where there is no noise, NaN of one draw.

    Raises:
        ValueError: an ε that is not above 0, or no draws.

    Source: Abbas, Kivinen and Raiko 2016, sections 3.1 to 3.4.
    """
    epsilons = np.asarray([check_number("epsilons", float(each), above=0) for each in epsilons])
    check_number("num_draws", num_draws, 1, integer=True)
    squares = singular_values(network, inputs) ** 2
    frobenius, largest = np.mean(np.sum(squares, axis=-1)), np.mean(squares[:, 0])
    fisher = np.mean(largest_fisher_eigenvalue(network, inputs))
    iterated = {"num_power_iterations": NUM_POWER_ITERATIONS}
    gaussian = {"distribution": "gaussian", "output_std": output_std, **iterated}
    statements = {
        "noise": (frobenius, num_draws, Smoothness),
        "adversarial": (largest, 0, lambda epsilon: Smoothness(epsilon, direction="adversarial", **iterated)),
        "vat": (fisher / 2, 0, lambda epsilon: VirtualAdversarialTraining(epsilon, **iterated)),
        "gaussian_vat": (
            largest / (2 * output_std**2),
            0,
            lambda epsilon: VirtualAdversarialTraining(epsilon, **gaussian),
        ),
    }

    def ratios(limit, draws, method):
        means = [
            [np.mean(penalty_values(network, inputs, method(float(e)), seed=seed + draw)) for e in epsilons]
            for draw in range(max(draws, 1))
        ]
        estimate = Estimate.of(means)
        error = estimate.standard_error if draws else np.zeros_like(epsilons)
        return estimate._replace(standard_error=error).scaled(1 / (limit * epsilons**2))

    return {name: (epsilons, ratios(*statement)) for name, statement in statements.items()}
