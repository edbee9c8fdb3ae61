"""Skipping the steps of an epoch that an earlier run has taken."""

from typing import Any


def skip_steps(model: Any, steps: int) -> None:
    """Makes `fit`, which has just begun, read the batches of the first steps without training on them.

    Args:
        model: `ObjectiveModel`.
        steps: number of steps to skip, a multiple of `model.steps_per_execution`.
    """
    function, left = model.train_function, steps

    def skip(*arguments):
        nonlocal left
        *state, iterator = arguments
        for _ in range(model.steps_per_execution):
            next(iterator)
        left -= model.steps_per_execution
        if left <= 0:
            model.train_function = function
        return ({}, *state) if state else {}

    model.train_function = skip
