"""Training: any Keras network with a regulariser, by Keras's own `fit`."""

from zoo.training.regularized_model import RegularizedModel

__all__ = ["RegularizedModel"]
