"""The error under attack after each epoch."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.backend.derivatives import linearize
from zoo.backend.programs import compile_program
from zoo.backend.random_numbers import Seed, as_generator, as_integer
from zoo.datasets.arrays import as_inputs, take_rows
from zoo.regularizers.linearized_pass import LinearizedPass
from zoo.regularizers.math.balls import STEEPEST, draw_from_ball
from zoo.regularizers.math.decisions import share_misclassified
from zoo.regularizers.math.input_range import check_input_range, clip_to_range
from zoo.regularizers.math.positions import expand_last, position_mask
from zoo.regularizers.math.projected_ascent import projected_ascent, step_length
from zoo.training.heads import is_nested
from zoo.training.inputs import as_network_inputs, unwrap
from zoo.training.losses import per_example_loss
from zoo.training.objective_model import ObjectiveModel
from zoo.training.outputs import Outputs, check_outputs, outputs_of
from zoo.training.perturbed_inputs import WholeInput
from zoo.training.perturbed_layers import perturbed_tensor
from zoo.validation import check_choice, check_number

Tensor = Any  # a tensor of the backend
Predict = Callable[[Tensor], tuple[Tensor, Outputs, Tensor | None]]  # to logits, meaning of the outputs, their mask


class AttackedError(keras.callbacks.Callback):
    """Adds the error under attack to the logs of each epoch, as `val_attacked_error` in percent.

    The attack is projected gradient descent (PGD) from a random start, on the network in prediction mode. It is the
    same in each epoch. Training with a single step can collapse within an epoch: the training loss still falls
    while this error rises. A stronger attack at the end, see `zoo.analysis`, finds more errors.

    The attack moves what penalties move: several inputs together, the inputs or layers of the model's `perturb`. A
    network that decides more than once for each example, about labels or at positions, has the mean share of its wrong
    decisions.

    Put the callback before those that use its figure, such as `EarlyStopping` and `ModelCheckpoint`, and pass these
    `monitor="val_attacked_error"` and `mode="min"`.

    Args:
        x: raw validation inputs, `(n, ...)`, or several in a dictionary, list or tuple. A few hundred are enough to see
            a collapse.
        y: their labels, as the loss takes them; of several outputs those of the one that penalties look at, or all.
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
        x: Any,
        y: Any,
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
        self.x, self.y = keras.tree.map_structure(np.asarray, (as_inputs(x), as_inputs(y)))
        inputs, labels = ([len(each) for each in keras.tree.flatten(values)] for values in (self.x, self.y))
        if len({*inputs, *labels}) != 1 or not inputs[0]:
            raise ValueError(
                "There must be as many labels as inputs, at least one, received "
                f"{', '.join(map(str, labels))} labels for {', '.join(map(str, inputs))} inputs."
            )
        self.num_examples = inputs[0]
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
        generator, wrong = as_generator(self.seed), 0.0
        for start in range(0, self.num_examples, self.batch_size):
            rows = slice(start, start + self.batch_size)
            x, y = keras.tree.map_structure(ops.convert_to_tensor, take_rows((self.x, self.y), rows))
            inputs = self._prepared(x)
            perturbed, predict = self._at(inputs)
            tensor = perturbed.tensor(predict)  # whose shape and type the random start has
            noise = draw_from_ball(tensor, self.epsilon, self.norm, generator, perturbed.moved)
            wrong += float(np.sum(ops.convert_to_numpy(self._program(inputs, noise, y))))
        return 100 * wrong / self.num_examples

    def _prepared(self, x: Any) -> Any:
        if isinstance(self.model, ObjectiveModel):
            return self.model.prepare(x, training=False)[0]
        return as_network_inputs(self.model, unwrap(self.model, x))

    def _at_head(self, values: Any) -> Any:
        nested = isinstance(self.model, ObjectiveModel) and is_nested(values)
        return self.model.at_head(values) if nested else values

    def _outputs(self) -> Outputs:
        model = self.model
        return model.outputs_of_loss() if isinstance(model, ObjectiveModel) else outputs_of(model.loss)

    def _at(self, inputs: Any) -> tuple[WholeInput, Predict]:
        """How the tensor that moves is put together, and the prediction from it."""
        model, is_ours = self.model, isinstance(self.model, ObjectiveModel)
        network, call = (model.network, model.call_network) if is_ours else (model, model)
        perturbed = perturbed_tensor(model.perturb if is_ours else None, network, inputs)

        def predict(tensor):
            with perturbed.placed(tensor) as given:
                found = self._at_head(call(given, training=False))
            meaning = self._outputs().of_units(found.shape[-1])
            if meaning.kind == "regression":
                raise ValueError(
                    "AttackedError counts wrong decisions, so the loss must be a cross-entropy of classes, received "
                    f"loss={model.loss!r} of {meaning.kind} outputs."
                )
            return meaning.to_logits(check_outputs(found, meaning.kind)), meaning, position_mask(found)

        return perturbed, predict

    def _misclassified(self, inputs: Any, noise: Tensor, y: Any) -> Tensor:
        """The share of wrong decisions of each input after an attack that starts from `inputs + noise`."""
        perturbed, predict = self._at(inputs)
        clean, bounds = perturbed.tensor(predict), perturbed.bounds(self.input_range)
        labels = self._at_head(y)
        # From the clean inputs: an attack may fill padding, which must not count. The compiler keeps only this mask.
        mask = predict(clean)[2]
        attacked = projected_ascent(
            _loss_gradient(predict, per_example_loss(self._at_head(self.model.loss)), labels, mask),
            clip_to_range(clean + noise, bounds),
            clean,
            epsilon=self.epsilon,
            norm=self.norm,
            num_steps=self.num_steps,
            step_size=self.step_size,
            input_range=bounds,
        )
        logits, meaning, _ = predict(attacked)
        return share_misclassified(logits, _decisions(labels, logits, meaning, mask), meaning.distribution)


def _loss_gradient(
    predict: Predict, loss_of: Callable[..., Tensor], labels: Any, mask: Tensor | None
) -> Callable[[Tensor], Tensor]:
    """The function `x -> gradient of the loss at x`."""

    def gradient(x):
        meanings = []

        def run(x):
            logits, meaning, _ = predict(x)
            meanings.append(meaning)
            return logits, ()

        linear = linearize(run, x)
        return LinearizedPass(
            inputs=x,
            logits=linear.outputs,
            losses=lambda logits: loss_of(labels, meanings[-1].from_logits(logits), mask),
            num_labeled=ops.shape(x)[0],
            vjp=linear.vjp,
        ).loss_gradient

    return gradient


def _decisions(labels: Tensor, logits: Tensor, outputs: Outputs, mask: Tensor | None) -> Tensor:
    """Labels as the loss takes them, in the form of decisions: class indices `(n, ...)`, or 0 and 1 `(n, ..., k)`.

    Those at masked positions are -1, which does not count.
    """
    if outputs.kind == "multilabel":
        decisions, dtype = labels, "float32"
    elif outputs.kind == "categorical" and not outputs.sparse:
        decisions, dtype = ops.argmax(labels, axis=-1), "int32"
    else:
        decisions, dtype = ops.reshape(labels, ops.shape(logits)[:-1]), "int32"
    if mask is None:
        return decisions
    decisions = ops.cast(decisions, dtype)  # not unsigned
    return ops.where(expand_last(mask, decisions), decisions, -ops.ones_like(decisions))
