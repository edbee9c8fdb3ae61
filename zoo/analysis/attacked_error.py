"""The error under attack after each epoch."""

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.analysis.attacks import ATTACKS
from zoo.analysis.classifier import Classifier
from zoo.analysis.logits import check_decides
from zoo.analysis.robustness import MOVEMENTS, misclassified_under_attack
from zoo.analysis.units import UNITS, Attacked, attacked, no_images, pixel_range
from zoo.backend.random_numbers import Seed, as_integer
from zoo.datasets.arrays import as_inputs
from zoo.training.heads import Head
from zoo.validation import check_choice, check_number


class AttackedError(keras.callbacks.Callback):
    """Adds the error under attack to the logs of each epoch, as `val_attacked_error` in percent.

    The attack meets the network in prediction mode, and is the same in each epoch. Training with a single step can
    collapse within an epoch: the training loss still falls while this error rises. A few steps of PGD on a few hundred
    inputs are enough to see that. At the end of training measure a stronger attack, such as AutoAttack.

    The figure is that of `zoo.analysis.attacked_error_percent`, for any Keras model that decides between classes. The
    attack moves what penalties move, such as the layers that `perturb` names. A network that decides more than once for
    each example, about labels or at positions, has the share of its wrong decisions.

    Put the callback before those that use its figure, such as `EarlyStopping` and `ModelCheckpoint`, and pass these
    `monitor="val_attacked_error"` and `mode="min"`.

    Args:
        x: raw validation inputs, `(n, ...)`, or several in a dictionary, list or tuple.
        y: class indices or one-hot rows, see `zoo.analysis.misclassified`; of several outputs those of the one that is
            measured, or all.
        attack: a name in `zoo.analysis.ATTACKS` or `MOVEMENTS`, such as `"pgd_linf"`.
        epsilon: size of the attack, at least 0, in `units`.
        units: `"pixels"` or `"preprocessed"`, see `zoo.analysis.attacked`. None means pixels from 0 to 1 for images,
            and preprocessed inputs for others.
        clip: whether perturbed images stay in the range of pixels, as they do by default.
        output: name or position of the output to measure, if the model has several. None takes that of a
            `RegularizedModel`.
        batch_size: number of inputs at a time, at least 1.
        seed: integer, `keras.random.SeedGenerator` or None, for random noise and movements.
        **options: further arguments of the attack, such as `num_steps` (20 by default for PGD).

    Raises:
        TypeError: a number is expected and not given, or the attack has no such option.
        ValueError: an argument is out of range or unknown, there are not as many labels as inputs, or the unit is that
            of pixels and the inputs are no images; when training begins, if the loss is one of regression; after the
            first epoch, if labels or attack do not suit the model.

    Source: the collapse is that of Wong, Rice, Kolter, 2020, "Fast is better than free",
    https://arxiv.org/abs/2001.03994, "catastrophic overfitting".

    Example:
        >>> x, y = np.zeros((8, 4), "float32"), np.zeros(8, "int32")
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((4,), 3, hidden_units=()), zoo.AdversarialTraining(0.1))
        >>> model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
        >>> attacked = zoo.analysis.AttackedError(x, y, "pgd_linf", epsilon=0.1, num_steps=5)
        >>> stopping = keras.callbacks.EarlyStopping(monitor="val_attacked_error", mode="min", patience=3)
        >>> sorted(model.fit(x, y, callbacks=[attacked, stopping], verbose=0).history)
        ['at', 'loss', 'val_attacked_error']
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        attack: str,
        epsilon: float,
        *,
        units: str | None = None,
        clip: bool = True,
        output: Head = None,
        batch_size: int = 500,
        seed: Seed = 0,
        **options: Any,
    ):
        super().__init__()
        self.x, self.y = keras.tree.map_structure(np.asarray, (as_inputs(x), as_inputs(y)))
        inputs, labels = ([len(each) for each in keras.tree.flatten(values)] for values in (self.x, self.y))
        if len({*inputs, *labels}) != 1 or not inputs[0]:
            raise ValueError(
                "There must be as many labels as inputs, at least one, received "
                f"{', '.join(map(str, labels))} labels for {', '.join(map(str, inputs))} inputs."
            )
        self.attack = check_choice("attack", attack, (*ATTACKS, *MOVEMENTS))
        self.epsilon = check_number("epsilon", epsilon, 0)
        self.units = None if units is None else check_choice("units", units, UNITS)
        if self.units == "pixels" and (keras.tree.is_nested(self.x) or pixel_range(self.x) is None):
            raise no_images(self.x)
        self.clip, self.output = clip, output
        self.batch_size = check_number("batch_size", batch_size, 1, integer=True)
        self.seed = as_integer(seed)
        self.options = options
        self._attacked: Attacked | None = None
        _try(self.attack, self.options)

    def set_model(self, model: Any) -> None:
        """Keras's, which each `fit` calls. Forgets an earlier model or its earlier loss."""
        super().set_model(model)
        self._attacked = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Refuses a loss of regression."""
        check_decides(self.model, self.output)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measures the error and adds it to the logs."""
        error = self.error_percent()
        if logs is not None:
            logs["val_attacked_error"] = error

    def error_percent(self) -> float:
        """The error of the model under attack, in percent."""
        if self._attacked is None:  # kept, because the compiled attack belongs to it
            classifier = Classifier(self.model, output=self.output)
            self._attacked = attacked(classifier, self.x, units=self.units, clip=self.clip)
        network, inputs, input_range = self._attacked
        options = {"seed": self.seed, "input_range": input_range, "batch_size": self.batch_size, **self.options}
        errors = misclassified_under_attack(network, inputs, self.y, self.attack, self.epsilon, **options)
        return 100 * float(np.mean(errors))


def _try(attack, options):
    """Attacks a small image with ε = 0, so that wrong options fail before a training and not after its first epoch.

    Options that depend on the network or on the names of inputs are left out.
    """
    image = np.zeros((1, 4, 4, 4), "float32")
    options = {name: value for name, value in options.items() if name not in ("input_range", "statistics")}
    misclassified_under_attack(lambda x: ops.reshape(x, (-1, 64)), image, [0], attack, 0.0, **options)
