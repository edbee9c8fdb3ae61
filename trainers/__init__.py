"""The command line: train, evaluate, reproduce, tune, analyze, draw, report, convert, publish."""

__all__: list[str] = []
