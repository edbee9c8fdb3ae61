"""Pictures: functions from data to Matplotlib figures, one subject per file, and a catalog of them by name."""

__all__: list[str] = []
