"""The mathematics of the regularizers, in pure functions of tensors."""
