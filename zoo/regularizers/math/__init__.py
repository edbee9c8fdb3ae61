"""The mathematics of the regularizers, in pure functions of tensors."""

__all__: list[str] = []
