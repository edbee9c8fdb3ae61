"""Training steps for penalties that take part in only some of them."""

import math
from collections.abc import Callable, Sequence


def patterns(intervals: Sequence[int]) -> list[tuple[bool, ...]]:
    """The sets of terms that take part together in some step, each a tuple with True for those that do.

    Args:
        intervals: k of every term, which takes part in steps 0, k, 2k, …
    """
    period = range(math.lcm(*intervals))
    return list(dict.fromkeys(tuple(step % k == 0 for k in intervals) for step in period))


class TakingTurns:
    """A training function that calls, step by step, the function of the terms that take part.

    There is one function for each pattern instead of one with a branch inside: a step without penalties then
    computes and stores nothing of what they need.

    Args:
        functions: `{pattern: training function}`.
        intervals: k of every term.
        iterations: maps the arguments of a training function to the number of steps before it.
    """

    def __init__(self, functions: dict[tuple[bool, ...], Callable], intervals: Sequence[int], iterations: Callable):
        self.functions = functions
        self.intervals = intervals
        self.iterations = iterations
        self.step: int | None = None

    def forget(self) -> None:
        """Makes the next call ask for the number of steps: a checkpoint may have been restored."""
        self.step = None

    def __call__(self, *arguments):
        # Asked for once and then counted here, because on JAX asking waits for the device.
        step = self.iterations(*arguments) if self.step is None else self.step
        self.step = step + 1
        return self.functions[tuple(step % k == 0 for k in self.intervals)](*arguments)
