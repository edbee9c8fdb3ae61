"""One run: its data, working directory, lock, training, figures and queue."""

__all__: list[str] = []
