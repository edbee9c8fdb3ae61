"""The callbacks of a run and their order: curves, logs, pictures, termination, deadline."""
