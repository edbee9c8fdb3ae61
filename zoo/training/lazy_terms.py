"""Training steps for penalties that take part in only some of them."""

import math
from collections.abc import Callable, Sequence
from typing import Any


def patterns(intervals: Sequence[int]) -> list[tuple[bool, ...]]:
    """The sets of terms that take part together in some step.

    Args:
        intervals: k of every term, which takes part in steps 0, k, 2k …

    Returns:
        A tuple for each set, with True for each term that takes part.

    Example:
        >>> from zoo.training.lazy_terms import patterns
        >>> patterns([1, 4])
        [(True, True), (True, False)]
    """
    period = range(math.lcm(*intervals))
    return list(dict.fromkeys(tuple(step % k == 0 for k in intervals) for step in period))


class TakingTurns:
    """A training function that calls, step by step, the function of the terms that take part.

    Each pattern has its own function, instead of a branch inside one function. A step without penalties then computes
    and stores nothing that they need.

    Args:
        functions: `{pattern: training function}`.
        intervals: k of every term.
        iterations: maps the arguments of a training function to the number of steps before it.

    Example:
        >>> from zoo.training.lazy_terms import TakingTurns
        >>> turns = TakingTurns({(True,): lambda: "with", (False,): lambda: "without"}, [2], lambda: 0)
        >>> turns(), turns(), turns()
        ('with', 'without', 'with')
    """

    def __init__(self, functions: dict[tuple[bool, ...], Callable], intervals: Sequence[int], iterations: Callable):
        self.functions = functions
        self.intervals = intervals
        self.iterations = iterations
        self.step: int | None = None

    def forget(self) -> None:
        """Makes the next call ask for the number of steps, because a checkpoint may have been restored."""
        self.step = None

    def __call__(self, *arguments: Any) -> Any:
        # Asks once and then counts, because asking waits for the device on JAX.
        step = self.iterations(*arguments) if self.step is None else self.step
        self.step = step + 1
        return self.functions[tuple(step % k == 0 for k in self.intervals)](*arguments)
