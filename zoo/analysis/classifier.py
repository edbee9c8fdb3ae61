"""A classifier as measures and attacks see it: from inputs to logits, in prediction mode."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.analysis.batches import map_batches
from zoo.analysis.labels import as_labels
from zoo.analysis.logits import KINDS, Prediction, outputs_kind, parts_of, prediction_of
from zoo.analysis.perturbed_network import PerturbedNetwork
from zoo.backend.keras_internals import takes_training
from zoo.backend.moments import exact_moments
from zoo.datasets.arrays import as_inputs, take_rows
from zoo.training.heads import Head, only_label, pick
from zoo.training.inputs import unwrap
from zoo.training.objective_model import ObjectiveModel
from zoo.training.perturbed_layers import layer_names
from zoo.validation import check_choice

Tensor = Any  # a tensor of the backend, or a NumPy array

STATISTICS = ("moving", "batch")


class Classifier:
    """A network from inputs to logits, in prediction mode, and what measures and attacks move.

    A `RegularizedModel` says all of this itself, so every measure and attack also takes the model.

    Args:
        network: Keras network or model, or any function of one tensor or of several in a dictionary, list or tuple.
        outputs: what the outputs are: `"logits"`, `"probabilities"`, `"binary_logits"`, `"binary_probabilities"` or
            `"multilabel_logits"`, as for `RegularizedModel`. One binary unit decides between two classes, positive for
            class 1. None reads the meaning off the last activation or, if that is linear, off the loss of a compiled
            model; a network that says neither returns logits.
        scale: factor on the one input before the network, such as 255 for pixels from 0 to 1.
        statistics: statistics of batch normalization: `"moving"` (averages, as in prediction) or `"batch"`, those of
            the inputs themselves. With the latter dropout and noise act as in training, if the network has them (a
            ladder's encoder has none); the preprocessing runs without augmentation; and no state changes.
        perturb: what attacks move, as for `RegularizedModel`: `{name: scale}` of inputs, a scale of each entry of the
            one input, or names of layers. None takes that of the model, or else moves all floating-point inputs.
        output: name or position of the output to measure, if the network has several. None takes that of the model.

    Raises:
        TypeError: `statistics` is `"batch"`, and the network is a plain function or a layer without training mode; or
            `perturb` names layers of a plain function.
        ValueError: `outputs` or `statistics` is unknown.

    Example:
        >>> network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        >>> zoo.analysis.Classifier(network, outputs="binary_logits")(np.zeros((2, 4))).shape.as_list()
        [2, 2]
    """

    def __init__(
        self,
        network: Callable[..., Tensor],
        *,
        outputs: str | None = None,
        scale: float = 1.0,
        statistics: str = "moving",
        perturb: Any = None,
        output: Head = None,
    ):
        model: Any = network if isinstance(network, ObjectiveModel) else None
        self.network = network
        self.output = model.head if model is not None and output is None else output
        self.perturb = model.perturb if model is not None and perturb is None else perturb
        given = None if outputs is None else check_choice("outputs", outputs, KINDS)
        self.outputs = given or outputs_kind(network, self.output)
        self.scale = scale
        self.statistics = check_choice("statistics", statistics, STATISTICS)
        if statistics == "batch" and not takes_training(network):
            raise TypeError(f"Batch statistics need a Keras network whose call takes training=, received {network!r}.")
        if layer_names(self.perturb) and not isinstance(network, keras.Layer):
            raise TypeError(f"perturb={self.perturb!r} names layers of a Keras network, received {network!r}.")
        self.variables = getattr(network, "variables", [])
        # What takes the inputs, and declares their names and types.
        self.entry: Any = network if model is None else model.network
        if model is not None and model.preprocessing is not None:
            self.entry = model.preprocessing

    def __call__(self, inputs: Any) -> Tensor:
        """The logits, `(n, num_classes)`; `(n, units)` if each unit decides for itself; `(n, ..., k)` if dense."""
        return self.predict(inputs).logits

    def network_inputs(self, inputs: Any) -> Any:
        """Inputs as the network receives them: one input without its dictionary or list, and times the scale.

        Args:
            inputs: `(n, ...)`, or several in a dictionary, list or tuple.
        """
        inputs = unwrap(self.entry, inputs)
        if len({ops.is_tensor(each) for each in keras.tree.flatten(inputs)}) > 1:  # which Keras takes only unmixed
            inputs = keras.tree.map_structure(ops.convert_to_tensor, inputs)
        if self.scale != 1.0:
            if keras.tree.is_nested(inputs):
                raise ValueError(
                    f"scale= is a factor on one input, received scale={self.scale} and a {type(inputs).__name__} of "
                    f"{len(inputs)}. Scale its entries before."
                )
            inputs = self.scale * inputs
        return inputs

    def predict(self, inputs: Any) -> Prediction:
        """The logits with their distribution.

        Args:
            inputs: as the network takes them: `(n, ...)`, or several in a dictionary, list or tuple.
        """
        inputs = self.network_inputs(inputs)
        if self.statistics == "moving":
            return prediction_of(self.network, inputs, self.outputs, self.output)
        network, preprocessing = parts_of(self.network)
        if preprocessing is not None:
            inputs = preprocessing(inputs, training=False)
        # The present values, because a compiled program replaces those of the variables.
        state = [(variable, variable.value) for variable in network.variables]
        with keras.StatelessScope(state_mapping=state), exact_moments(network):
            return prediction_of(network, inputs, self.outputs, self.output, training=True)

    def labels(self, inputs: Any, labels: Any, *, batch_size: int = 500) -> np.ndarray:
        """Labels as `as_labels` returns them, checked with the prediction for the first example.

        Args:
            inputs: as for `predict`.
            labels: as for `misclassified`.
            batch_size: number of inputs at a time, if the outputs have masks.
        """
        labels, first = self.labels_at_output(labels), self.predict(take_rows(as_inputs(inputs), slice(0, 1)))
        return as_labels(labels, first._replace(mask=self.mask(inputs, first, batch_size=batch_size)))

    def mask(self, inputs: Any, first: Prediction | None = None, *, batch_size: int = 500) -> np.ndarray | None:
        """The mask of the positions of dense outputs: `True` at those that count.

        Args:
            inputs: as for `predict`.
            first: the prediction for the first example, if it is known.
            batch_size: number of inputs at a time.

        Returns:
            Booleans, `(n, ...)`; or None if Keras masks no positions.
        """
        first = self.predict(take_rows(as_inputs(inputs), slice(0, 1))) if first is None else first
        if first.mask is None:
            return None
        return map_batches(lambda x: self.predict(x).mask, inputs, batch_size=batch_size)

    def labels_at_output(self, labels: Any) -> np.ndarray:
        """Labels as an array: those of the output that is measured, if they are a dictionary.

        Args:
            labels: array, or a dictionary with an array for each output.
        """
        if isinstance(labels, Mapping) and self.output is not None:
            labels = pick(dict(labels), self.output, getattr(self.network, "output_names", ()))
        labels = only_label(labels, None) if isinstance(labels, Mapping) else labels
        if isinstance(labels, Mapping):
            raise ValueError(
                f"Labels of several outputs need the name of one, received labels of {list(labels)}. Pass "
                f"zoo.analysis.Classifier(network, output={next(iter(labels), 'name')!r})."
            )
        return np.asarray(labels)

    def at(self, inputs: Any) -> PerturbedNetwork:
        """The network as a function of the one tensor that attacks move, at a batch of inputs.

        Args:
            inputs: as for `predict`.
        """
        return PerturbedNetwork(self, inputs)

    def with_statistics(self, statistics: str) -> "Classifier":
        """The same classifier with other statistics.

        Args:
            statistics: `"moving"` or `"batch"`.
        """
        return self.around(self.network, statistics=statistics)

    def around(
        self, network: Callable[..., Tensor], *, scale: float | None = None, statistics: str | None = None
    ) -> "Classifier":
        """The classifier of another network, with the same options.

        Args:
            network: such as the network of a model, without its preprocessing.
            scale: another factor on the one input, or None.
            statistics: other statistics, `"moving"` or `"batch"`, or None.
        """
        scale, statistics = self.scale if scale is None else scale, statistics or self.statistics
        options: dict[str, Any] = {"outputs": self.outputs, "perturb": self.perturb, "output": self.output}
        return Classifier(network, scale=scale, statistics=statistics, **options)


def as_classifier(network: Any) -> Classifier:
    """A network as a `Classifier`, if it is none yet.

    Args:
        network: `Classifier`, Keras network or any function.

    Example:
        >>> from zoo.analysis.classifier import as_classifier
        >>> as_classifier(lambda x: x).outputs
        'logits'
    """
    return network if isinstance(network, Classifier) else Classifier(network)
