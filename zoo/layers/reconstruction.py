"""A second task for a classifier: to reconstruct its inputs."""

from typing import Any

import keras
from keras import ops

from zoo.backend.moments import mean
from zoo.validation import check_number

Tensor = Any  # a tensor of the backend


@keras.saving.register_keras_serializable(package="zoo")
class Reconstruction(keras.layers.Layer):
    """A linear head that reconstructs the inputs from hidden units, as a second task of multi-task learning.

    The layer returns the hidden units unchanged. In training it adds `λ · mean_i (W·h + b − x)_i²` to the loss, the
    mean over the entries of the inputs and over the batch. Both tasks share the layers below; W and b serve the second
    task only. They are part of the network nevertheless: its number of parameters and penalties on all kernels include
    them. Sample weights do not apply to the second task. If penalties cover unlabeled inputs in a pass of their own
    (`penalty_inputs="unlabeled"`), it learns from the labeled inputs only.

    Args:
        weight: λ, weight of the second task in the loss, at least 0.
        **kwargs: arguments of `keras.layers.Layer`.

    Raises:
        TypeError: `weight` is not a number.
        ValueError: `weight` is negative; or at the first call, the hidden units or the inputs are not vectors.

    Source: Na, "Regularization for deep learning" (lecture slides), multi-task learning; after Caruana, 1997,
    "Multitask learning", https://doi.org/10.1023/A:1007379606734. The slides do not name a second task. Reconstruction
    needs no labels.

    Example:
        >>> inputs = keras.Input((8,))
        >>> hidden = keras.layers.Dense(4, activation="relu")(inputs)
        >>> hidden = zoo.layers.Reconstruction(weight=0.5)([hidden, inputs])
        >>> keras.Model(inputs, keras.layers.Dense(3)(hidden)).output_shape
        (None, 3)
    """

    def __init__(self, weight: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.weight = check_number("weight", weight, 0)

    def build(self, input_shape: list[tuple[int | None, ...]]) -> None:
        """Creates the head of the second task."""
        for role, shape in zip(("hidden units", "inputs"), input_shape, strict=True):
            if len(shape) != 2:
                raise ValueError(
                    f"Reconstruction needs {role} of shape (n, d), received {tuple(shape)}. Add a Flatten layer."
                )
        hidden_shape, target_shape = input_shape
        self.head = keras.layers.Dense(target_shape[-1], name="head", dtype=self.dtype_policy)
        self.head.build(hidden_shape)

    def call(self, inputs: list[Tensor], training: bool | None = None) -> Tensor:
        """Returns the hidden units.

        Args:
            inputs: `[hidden units, inputs to reconstruct]`, of shapes `(n, k)` and `(n, d)`.
            training: whether to add the loss of the second task.
        """
        hidden, target = inputs
        if training:
            dtype = "float64" if self.compute_dtype == "float64" else "float32"  # of the sum, not of the products
            difference = ops.cast(self.head(hidden), dtype) - ops.cast(target, dtype)
            self.add_loss(self.weight * mean(ops.square(difference)))
        return hidden

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """The shape of the hidden units."""
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "weight": self.weight}
