"""Hyperparameter search: engines, trials, the search itself, and its report."""

__all__: list[str] = []
