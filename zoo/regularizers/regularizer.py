"""The shared head of all regularizers: weights, ramp-up, sums, serialization."""

import inspect
from typing import Any

import keras
from keras import ops

from zoo.regularizers.clean_pass import CleanPass
from zoo.validation import check_number


class Regularizer:
    """A penalty `λ(t)·R` added to a network's training loss.

    Members implement `penalty(clean_pass)` and declare by `needs_input_derivatives` whether the clean forward pass
    must be differentiable with respect to its input, by `moves_inputs` whether they look at inputs beside those of the
    batch. Regularizers add up and scale:
    `VirtualAdversarialTraining(2.0) + 0.5 * VirtualMovementTraining("shift")`.

    A member's constructor arguments are its hyperparameters: each is kept as an attribute of the same name, from
    which `get_config` is derived.

    Args:
        weight: λ, at least 0.
        ramp_up_steps: number of training steps over which λ grows linearly from 0; 0 starts at full weight.
        interval: k, at least 1: the penalty takes part in every k-th training step, the first included, with k
            times its weight ("lazy regularization", Karras et al. 2020). The other steps cost as much as without it.
    """

    metric_name = "penalty"
    needs_input_derivatives = False
    moves_inputs = True

    def __init__(self, *, weight=1.0, ramp_up_steps=0, interval=1):
        self.weight = check_number("weight", weight, 0)
        self.ramp_up_steps = check_number("ramp_up_steps", ramp_up_steps, 0, integer=True)
        self.interval = check_number("interval", interval, 1, integer=True)

    def per_example(self, clean_pass: CleanPass) -> Any:
        """The penalty of each example, before its weight: what a regularizer implements.

        Args:
            clean_pass: the `CleanPass` over the batch.

        Returns:
            `(n,)`, or `(num_labeled,)` if the penalty needs labels.
        """
        raise NotImplementedError

    def penalty(self, clean_pass: CleanPass) -> Any:
        """The penalty R of one batch, a scalar: the mean over the examples, with their sample weights.

        Penalties on the weights alone override this instead of `per_example`.
        """
        return clean_pass.mean(self.per_example(clean_pass))

    def current_weight(self, step):
        """λ times the interval, at training step `step` (a scalar tensor counting from 0)."""
        weight = self.weight * self.interval
        if not self.ramp_up_steps:
            return weight
        return weight * ops.minimum((ops.cast(step, "float32") + 1) / self.ramp_up_steps, 1.0)

    @property
    def terms(self):
        """The regularizers that this one adds up: itself alone."""
        return (self,)

    def __add__(self, other):
        return NotImplemented if not isinstance(other, Regularizer) else RegularizerSum(self.terms + other.terms)

    def __mul__(self, factor):
        return self.from_config({**self.get_config(), "weight": self.weight * check_number("factor", factor, 0)})

    __rmul__ = __mul__

    def get_config(self):
        return {name: getattr(self, name) for name in hyperparameters(type(self))}

    @classmethod
    def from_config(cls, config):
        objects = {
            name: keras.saving.deserialize_keras_object(value)
            for name, value in config.items()
            if isinstance(value, dict) and "class_name" in value
        }
        return cls(**{**config, **objects})

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.get_config().items())})"


def hyperparameters(member):
    """The names of a regularizer's hyperparameters: the arguments of its constructor and of the shared head."""
    own = [name for name in inspect.signature(member.__init__).parameters if name not in ("self", "common")]
    return tuple(dict.fromkeys([*own, "weight", "ramp_up_steps", "interval"]))


@keras.saving.register_keras_serializable(package="zoo")
class RegularizerSum(Regularizer):
    """The sum of several regularizers, each with its own weight and its own metric.

    Args:
        terms: `Regularizer`s; a sum among them is taken apart.

    Raises:
        TypeError: a term is no `Regularizer`.
    """

    def __init__(self, terms):
        for term in terms:
            if not isinstance(term, Regularizer):
                raise TypeError(f"A sum of regularizers takes Regularizer objects, received {term!r}.")
        self._terms = tuple(part for term in terms for part in term.terms)

    @property
    def terms(self):
        return self._terms

    @property
    def needs_input_derivatives(self):
        return any(term.needs_input_derivatives for term in self.terms)

    def __mul__(self, factor):
        return RegularizerSum([factor * term for term in self.terms])

    __rmul__ = __mul__

    def __repr__(self):
        return " + ".join(map(repr, self.terms))

    def get_config(self):
        return {"terms": [keras.saving.serialize_keras_object(term) for term in self.terms]}

    @classmethod
    def from_config(cls, config):
        return cls([keras.saving.deserialize_keras_object(term) for term in config["terms"]])
