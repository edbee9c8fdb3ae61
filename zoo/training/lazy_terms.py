"""Training functions for penalties that take part in some of the steps only."""

import functools
import math


def patterns(intervals):
    """The sets of terms that take part together in some step, each a tuple with True for those that do.

    Args:
        intervals: k of every term; it takes part in steps 0, k, 2k, …
    """
    period = range(math.lcm(*intervals))
    return list(dict.fromkeys(tuple(step % k == 0 for k in intervals) for step in period))


class TakingTurns:
    """Calls, step by step, the training function of the terms that take part.

    One function each rather than one with a branch inside: so a step without penalties computes and keeps nothing
    of what they need.

    Args:
        functions: `{pattern: training function}`.
        intervals: k of every term.
        steps_taken: from the arguments of a training function to the number of steps before it.
    """

    def __init__(self, functions, intervals, steps_taken):
        self.functions = functions
        self.intervals = intervals
        self.steps_taken = steps_taken
        self.step = None

    def forget(self):
        """Asks for the number of steps again before the next one: a checkpoint may have been restored."""
        self.step = None

    def __call__(self, *arguments):
        # Asked for once and then counted here, for on JAX asking waits for the device.
        step = self.steps_taken(*arguments) if self.step is None else self.step
        self.step = step + 1
        return self.functions[tuple(step % k == 0 for k in self.intervals)](*arguments)


class LazyTerms:
    """For models with `regularizer`: a training function that respects the terms' intervals."""

    active = None  # which terms take part in the step that is being traced; None for all

    @property
    def intervals(self):
        return [term.interval for term in self.regularizer.terms] if self.regularizer is not None else []

    @property
    def takes_single_steps(self):
        return max(self.intervals, default=1) > 1

    def active_terms(self):
        """Pairs of term and metric that take part."""
        terms = self.regularizer.terms if self.regularizer is not None else ()
        active = self.active or (True,) * len(terms)
        return [pair for pair, on in zip(zip(terms, self.penalty_metrics, strict=True), active, strict=True) if on]

    def make_train_function(self, force=False):
        if not self.takes_single_steps:
            return super().make_train_function(force)
        if self.steps_per_execution > 1:
            raise ValueError(
                f"Penalties with an interval need steps one at a time, received steps_per_execution="
                f"{self.steps_per_execution} and intervals {self.intervals}."
            )
        if self.train_function is None or force:
            functions = {pattern: self._train_function(pattern) for pattern in patterns(self.intervals)}
            self.train_function = TakingTurns(functions, self.intervals, self.steps_taken)
        self.train_function.forget()

    def _train_function(self, pattern):
        # Keras makes it from the attribute `train_step`, and tells one from another by that object.
        self.train_step = functools.partial(self._step_of, pattern)
        super().make_train_function(force=True)
        del self.train_step
        return self.train_function

    def _step_of(self, pattern, *arguments):
        self.active = pattern
        try:
            return type(self).train_step(self, *arguments)
        finally:
            self.active = None
