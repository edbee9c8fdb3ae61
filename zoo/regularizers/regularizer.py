"""The shared head of all regularizers: weights, ramp-up, sums, serialization."""

import inspect
from collections.abc import Iterable
from typing import Any

import keras
from keras import ops

from zoo.regularizers.clean_pass import CleanPass
from zoo.validation import check_number

Tensor = Any  # a tensor of the backend

COMMON = ("weight", "ramp_up_steps", "interval")  # hyperparameters of every regularizer


class Regularizer:
    """A penalty `λ(t)·R` that a model adds to its training loss.

    To make a regularizer of your own, subclass this class and implement `per_example(clean_pass)`. Set
    `needs_input_derivatives` if it needs products with the Jacobian of the logits in the input, `moves_inputs = False`
    if it evaluates the network at the inputs of the batch only, and `needs_lattice = True` if it needs to know which
    entries of an input are neighbors. Keep each constructor argument as an attribute of the same name; `get_config`
    reads these attributes.

    Regularizers add up and scale: `VirtualAdversarialTraining(2.0) + 0.5 * VirtualMovementTraining("shift")`.

    Args:
        weight: λ, at least 0.
        ramp_up_steps: number of training steps over which λ grows linearly from 0, at least 0. With 0 it starts at its
            full value.
        interval: k, at least 1. The penalty takes part in training steps 0, k, 2k …, with k times its weight ("lazy
            regularization"). The other steps cost as much as without the penalty.

    Raises:
        TypeError: an argument is not a number, or not an integer.
        ValueError: an argument is out of range.

    Source: lazy regularization is that of Karras, Laine, Aittala, Hellsten, Lehtinen, Aila, 2020, "Analyzing and
    improving the image quality of StyleGAN", https://arxiv.org/abs/1912.04958.

    Example:
        >>> @keras.saving.register_keras_serializable(package="mine")
        ... class LogitDecay(zoo.regularizers.Regularizer):
        ...     metric_name = "logit_decay"
        ...     moves_inputs = False
        ...
        ...     def per_example(self, clean_pass):
        ...         return keras.ops.sum(keras.ops.square(clean_pass.logits), axis=-1)
        >>> 0.1 * LogitDecay(interval=4)
        LogitDecay(weight=0.1, ramp_up_steps=0, interval=4)
    """

    metric_name: Any = "penalty"
    needs_input_derivatives: Any = False
    moves_inputs: bool = True
    needs_lattice: bool = False
    _given: tuple[str, ...] = ()

    def __new__(cls, *args: Any, **kwargs: Any):
        """Notes the names of the arguments, because a signature does not say what `**common` takes."""
        regularizer = super().__new__(cls)
        regularizer._given = tuple(kwargs)
        return regularizer

    def __init__(self, *, weight: float = 1.0, ramp_up_steps: int = 0, interval: int = 1):
        self.weight = check_number("weight", weight, 0)
        self.ramp_up_steps = check_number("ramp_up_steps", ramp_up_steps, 0, integer=True)
        self.interval = check_number("interval", interval, 1, integer=True)

    def per_example(self, clean_pass: CleanPass) -> Tensor:
        """The penalty of each example, before its weight. A subclass implements it.

        Args:
            clean_pass: the `CleanPass` over the batch.

        Returns:
            `(n,)`, or `(num_labeled,)` if the penalty needs labels.
        """
        raise NotImplementedError

    def penalty(self, clean_pass: CleanPass) -> Tensor:
        """The penalty R of one batch, a scalar: the mean over the examples, with their sample weights.

        A penalty on the weights alone overrides this instead of `per_example`.

        Args:
            clean_pass: the `CleanPass` over the batch.
        """
        return clean_pass.mean(self.per_example(clean_pass))

    def current_weight(self, step: Tensor) -> Tensor:
        """λ times the interval, after the ramp-up.

        Args:
            step: number of the training step, a scalar tensor that counts from 0.
        """
        weight = self.weight * self.interval
        if not self.ramp_up_steps:
            return weight
        return weight * ops.minimum((ops.cast(step, "float32") + 1) / self.ramp_up_steps, 1.0)

    @property
    def variables(self) -> tuple[keras.Variable, ...]:
        """State that `update` changes in training. The model saves it. Most regularizers have none."""
        return ()

    def update(self, penalty: Tensor) -> None:
        """Changes the state of the regularizer after the penalty of a training step. Most have none.

        Args:
            penalty: R, the scalar that `penalty` returned.
        """

    @property
    def terms(self) -> tuple["Regularizer", ...]:
        """The regularizers that this one adds up: itself alone."""
        return (self,)

    def __add__(self, other):
        return NotImplemented if not isinstance(other, Regularizer) else RegularizerSum(self.terms + other.terms)

    def __mul__(self, factor):
        config = self.get_config()
        if "weight" not in config:
            name = type(self).__name__
            raise TypeError(f"{name} has no argument weight. Let its constructor take **common, and pass it on.")
        return self.from_config({**config, "weight": self.weight * check_number("factor", factor, 0)})

    __rmul__ = __mul__

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor.

        Arguments that `**common` passes on to another regularizer of the zoo are among them if they were given.
        """
        passed_on = [name for name in self._given if hasattr(self, name)]
        return {name: getattr(self, name) for name in dict.fromkeys([*hyperparameters(type(self)), *passed_on])}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Regularizer":
        """Makes the regularizer from the result of `get_config`."""
        objects = {
            name: keras.saving.deserialize_keras_object(value)
            for name, value in config.items()
            if isinstance(value, dict) and "class_name" in value
        }
        return cls(**{**config, **objects})

    def __repr__(self):
        values = ", ".join(f"{name}={value!r}" for name, value in Regularizer.get_config(self).items())
        return f"{type(self).__name__}({values})"


def hyperparameters(regularizer: type[Regularizer]) -> tuple[str, ...]:
    """The names of the hyperparameters of a regularizer: the arguments of its constructor.

    Arguments of the form `**common`, whatever their name, stand for the common ones.

    Args:
        regularizer: subclass of `Regularizer`.

    Example:
        >>> from zoo.regularizers import hyperparameters
        >>> hyperparameters(zoo.WeightNoise)
        ('noise_std', 'kind', 'weight', 'ramp_up_steps', 'interval')
    """
    parameters = list(inspect.signature(regularizer.__init__).parameters.values())[1:]  # without self
    own = [each.name for each in parameters if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)]
    passes_on = any(each.kind is each.VAR_KEYWORD for each in parameters)
    return tuple(dict.fromkeys([*own, *(COMMON if passes_on else ())]))


@keras.saving.register_keras_serializable(package="zoo")
class RegularizerSum(Regularizer):
    """The sum of several regularizers. Each keeps its own weight and its own metric.

    Args:
        terms: `Regularizer` objects. A sum among them contributes its terms.

    Raises:
        TypeError: a term is not a `Regularizer`.

    Example:
        >>> total = zoo.VirtualAdversarialTraining(2.0) + 0.5 * zoo.EntropyMinimization()
        >>> [term.metric_name for term in total.terms]
        ['vat', 'entropy']
    """

    def __init__(self, terms: Iterable[Regularizer]):
        terms = tuple(terms)
        for term in terms:
            if not isinstance(term, Regularizer):
                raise TypeError(f"A sum of regularizers takes Regularizer objects, received {term!r}.")
        self._terms = tuple(each for term in terms for each in term.terms)

    @property
    def terms(self) -> tuple[Regularizer, ...]:
        """The regularizers that this one adds up."""
        return self._terms

    @property
    def needs_input_derivatives(self) -> bool:
        """Whether a term needs products with the Jacobian of the logits in the input."""
        return any(term.needs_input_derivatives for term in self.terms)

    def __mul__(self, factor):
        return RegularizerSum([factor * term for term in self.terms])

    __rmul__ = __mul__

    def __repr__(self):
        return " + ".join(map(repr, self.terms))

    def get_config(self) -> dict[str, Any]:
        """The terms, serialized."""
        return {"terms": [keras.saving.serialize_keras_object(term) for term in self.terms]}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RegularizerSum":
        """Makes the sum from the result of `get_config`."""
        return cls([keras.saving.deserialize_keras_object(term) for term in config["terms"]])
