"""What penalties at perturbed inputs share: the inputs first, then the penalty at them."""

from typing import Any

from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.regularizer import Regularizer

Tensor = Any  # a tensor of the backend


class InputPerturbation(Regularizer):
    """A penalty at one perturbed version of each input, which is constant with respect to the weights.

    A subclass finds the perturbed inputs in `perturbed_inputs` and evaluates the penalty in `at`. Because these are two
    methods, `AdversarialWeightPerturbation` can evaluate the penalty at the same inputs under other weights.

    Args:
        weight: λ, see `Regularizer`.
        ramp_up_steps: see `Regularizer`.
        interval: k, see `Regularizer`.

    Example:
        >>> issubclass(zoo.Trades, zoo.regularizers.InputPerturbation)
        True
    """

    def perturbed_inputs(self, clean_pass: CleanPass) -> Tensor:
        """The perturbed inputs x', `(n, ...)`, or `(num_labeled, ...)` if the penalty needs labels.

        Args:
            clean_pass: the `CleanPass` over the batch.
        """
        raise NotImplementedError

    def at(self, clean_pass: CleanPass, perturbed: Tensor) -> Tensor:
        """The penalty of each example at its perturbed input.

        It draws no random numbers, changes no state and takes no products with the Jacobian.

        Args:
            clean_pass: the `CleanPass` over the batch. Its logits and its perturbed passes may have other weights than
                those at which the inputs were found, see `CleanPass.with_weights`.
            perturbed: x', result of `perturbed_inputs`.

        Returns:
            `(n,)` or `(num_labeled,)`.
        """
        raise NotImplementedError

    def per_example(self, clean_pass: CleanPass) -> Tensor:
        """The penalty of each example, `(n,)`, or `(num_labeled,)` if it needs labels."""
        return self.at(clean_pass, self.perturbed_inputs(clean_pass))
