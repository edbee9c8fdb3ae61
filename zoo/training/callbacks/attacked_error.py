"""The error under attack after each epoch."""

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.backend.derivatives import linearize
from zoo.backend.programs import compile_program
from zoo.backend.random_numbers import Seed, as_generator, as_integer
from zoo.regularizers.clean_pass import LinearizedPass
from zoo.regularizers.math.balls import STEEPEST, draw_from_ball
from zoo.regularizers.math.input_range import check_input_range, clip_to_range
from zoo.regularizers.math.projected_ascent import projected_ascent, step_length
from zoo.training.losses import per_example_loss
from zoo.training.objective_model import ObjectiveModel
from zoo.training.outputs import check_outputs, outputs_of
from zoo.validation import check_choice, check_number

Tensor = Any  # a tensor of the backend


class AttackedError(keras.callbacks.Callback):
    """Adds the error under attack to the logs of each epoch, as `val_attacked_error` in percent.

    The attack is projected gradient descent (PGD) from a random start, on the network in prediction mode. It is the
    same in each epoch. Training with a single step can collapse within an epoch: the training loss still falls
    while this error rises. A stronger attack at the end, see `zoo.analysis`, finds more errors.

    Put the callback before those that use its figure, such as `EarlyStopping` and `ModelCheckpoint`, and pass these
    `monitor="val_attacked_error"` and `mode="min"`.

    Args:
        x: raw validation inputs, `(n, ...)`. A few hundred are enough to see a collapse.
        y: their labels, as the loss takes them.
        epsilon: ε, radius of the ball, at least 0, in units of the preprocessed input.
        norm: norm of the ball, `"linf"` or `"l2"`.
        num_steps: number of steps, at least 1.
        step_size: α, at least 0, in units of the input. None takes `min(1, 2.5/num_steps)·ε`, which reaches every point
            of the ball.
        input_range: `(low, high)` of valid preprocessed inputs, or None.
        batch_size: number of inputs at a time, at least 1.
        seed: integer, `keras.random.SeedGenerator` or None, for the random start.

    Raises:
        TypeError: a number is expected and not given.
        ValueError: an argument is out of range or unknown, or there are not as many labels as inputs; after the first
            epoch, if the loss is not one of classes.

    Source: the collapse is that of Wong, Rice, Kolter, 2020, "Fast is better than free",
    https://arxiv.org/abs/2001.03994, "catastrophic overfitting".

    Example:
        >>> x, y = np.zeros((8, 4), "float32"), np.zeros(8, "int32")
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((4,), 3, hidden_units=()), zoo.AdversarialTraining(0.1))
        >>> model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
        >>> attacked = zoo.training.callbacks.AttackedError(x, y, epsilon=0.1)
        >>> stopping = keras.callbacks.EarlyStopping(monitor="val_attacked_error", mode="min", patience=3)
        >>> sorted(model.fit(x, y, callbacks=[attacked, stopping], verbose=0).history)
        ['at', 'loss', 'val_attacked_error']
    """

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        epsilon: float,
        *,
        norm: str = "linf",
        num_steps: int = 10,
        step_size: float | None = None,
        input_range: tuple[float, float] | None = None,
        batch_size: int = 500,
        seed: Seed = 0,
    ):
        super().__init__()
        self.x, self.y = np.asarray(x), np.asarray(y)
        if not len(self.x) == len(self.y) > 0:
            raise ValueError(
                f"There must be as many labels as inputs, at least one, received {len(self.y)} labels for "
                f"{len(self.x)} inputs."
            )
        self.epsilon = check_number("epsilon", epsilon, 0)
        self.norm = check_choice("norm", norm, STEEPEST)
        self.num_steps = check_number("num_steps", num_steps, 1, integer=True)
        self.step_size = step_length(step_size, epsilon, num_steps)
        self.input_range = check_input_range(input_range)
        self.batch_size = check_number("batch_size", batch_size, 1, integer=True)
        self.seed = as_integer(seed)
        self._program: Any = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Forgets the program of an earlier training, whose loss may have been another one."""
        self._program = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measures the error and adds it to the logs."""
        error = self.error_percent()
        if logs is not None:
            logs["val_attacked_error"] = error

    def error_percent(self) -> float:
        """The error of the model under attack, in percent."""
        if self._program is None:
            # The variables may not exist before the first step.
            self._program = compile_program(self._misclassified, self.model.variables)
        generator = as_generator(self.seed)
        misclassified = 0
        for start in range(0, len(self.x), self.batch_size):
            x, y = (array[start : start + self.batch_size] for array in (self.x, self.y))
            inputs = self._prepared(x)
            noise = draw_from_ball(inputs, self.epsilon, self.norm, generator)
            misclassified += int(np.sum(ops.convert_to_numpy(self._program(inputs, noise, y))))
        return 100 * misclassified / len(self.x)

    def _prepared(self, x: np.ndarray) -> Tensor:
        inputs: Any = ops.convert_to_tensor(x)
        if isinstance(self.model, ObjectiveModel):
            return self.model.prepare(inputs, training=False)[0]
        return ops.cast(inputs, keras.config.floatx())

    def _at_head(self, values: Any) -> Any:
        return self.model.at_head(values) if isinstance(self.model, ObjectiveModel) else values

    def _outputs(self) -> Any:
        model = self.model
        return model.outputs_of_loss() if isinstance(model, ObjectiveModel) else outputs_of(model.loss)

    def _misclassified(self, inputs: Tensor, noise: Tensor, y: Tensor) -> Tensor:
        """Which inputs the network misclassifies after an attack that starts from `inputs + noise`."""
        outputs, loss_of = self._outputs(), per_example_loss(self._at_head(self.model.loss))

        def logits_at(x):
            call = self.model.call_network if isinstance(self.model, ObjectiveModel) else self.model
            found = self._at_head(call(x, training=False))
            kind = outputs.of_units(found.shape[-1]).kind
            if kind not in ("categorical", "binary"):
                raise ValueError(
                    "AttackedError counts misclassified inputs, so the loss must be a cross-entropy of classes, "
                    f"received loss={self.model.loss!r} of {kind} outputs."
                )
            return outputs.to_logits(check_outputs(found, kind))

        def gradient(x):
            linear = linearize(lambda x: (logits_at(x), ()), x)
            return LinearizedPass(
                inputs=x,
                logits=linear.outputs,
                losses=lambda logits: loss_of(y, outputs.from_logits(logits)),
                num_labeled=ops.shape(x)[0],
                vjp=linear.vjp,
            ).loss_gradient

        attacked = projected_ascent(
            gradient,
            clip_to_range(inputs + noise, self.input_range),
            inputs,
            epsilon=self.epsilon,
            norm=self.norm,
            num_steps=self.num_steps,
            step_size=self.step_size,
            input_range=self.input_range,
        )
        return ops.argmax(logits_at(attacked), axis=-1) != _classes(y, outputs)


def _classes(labels: Tensor, outputs: Any) -> Tensor:
    """Class indices `(n,)` of labels as the loss takes them."""
    one_hot = outputs.kind == "categorical" and not outputs.sparse
    return ops.cast(ops.argmax(labels, axis=-1) if one_hot else ops.reshape(labels, (-1,)), "int32")
