"""The results folder: figures of every recipe, tables of them, and published models."""

__all__: list[str] = []
