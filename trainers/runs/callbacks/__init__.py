"""The callbacks of a run and their order: curves, logs, pictures, termination, deadline."""

__all__: list[str] = []
