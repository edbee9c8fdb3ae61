"""The HTML report: its content, read from files, and the page that shows it."""

__all__: list[str] = []
