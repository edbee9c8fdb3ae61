"""A classifier as the attacks see it: from the inputs that are attacked to logits."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from zoo.analysis.logits import KINDS, logits_of, outputs_kind
from zoo.analysis.prediction_pass import map_batches
from zoo.backend.keras_internals import flatten_layers, takes_training
from zoo.backend.moments import exact_moments
from zoo.validation import check_choice

Tensor = Any  # a tensor of the backend, or a NumPy array

STATISTICS = ("moving", "batch")
UNITS = ("pixels", "preprocessed")
"""The units of perturbations, see `attacked`."""

ELEMENTWISE = (
    keras.Sequential,
    keras.layers.InputLayer,
    keras.layers.Rescaling,
    keras.layers.Normalization,
    keras.layers.RandomTranslation,  # the last two do nothing in prediction
    keras.layers.RandomFlip,
)


class Classifier:
    """A network from inputs to logits, in prediction mode.

    Args:
        network: Keras network or model, or any function of one tensor.
        outputs: meaning of the network's outputs: `"logits"`, `"probabilities"`, `"binary_logits"` (one unit, positive
            for class 1) or `"binary_probabilities"` (one unit). None reads it off the last activation or, if that is
            linear, off the loss of a compiled model; a network that says neither returns logits.
        scale: factor on the inputs before the network, such as 255 for pixels from 0 to 1.
        statistics: statistics of batch normalization: `"moving"` (averages, as in prediction) or `"batch"`, those of
            the inputs themselves. With the latter dropout and noise act as in training, if the network has them (a
            ladder's encoder has none); the preprocessing runs without augmentation; and no state changes.

    Raises:
        TypeError: `statistics` is `"batch"`, and the network is a plain function or a layer without training mode.
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
    ):
        self.network = network
        self.outputs = outputs_kind(network) if outputs is None else check_choice("outputs", outputs, KINDS)
        self.scale = scale
        self.statistics = check_choice("statistics", statistics, STATISTICS)
        if statistics == "batch" and not takes_training(network):
            raise TypeError(f"Batch statistics need a Keras network whose call takes training=, received {network!r}.")
        self.variables = getattr(network, "variables", [])

    def __call__(self, inputs: Tensor) -> Tensor:
        """The logits, `(n, num_classes)`."""
        inputs = inputs if self.scale == 1.0 else self.scale * inputs
        if self.statistics == "moving":
            return logits_of(self.network, inputs, self.outputs)
        network: Any = getattr(self.network, "network", self.network)
        preprocessing = getattr(self.network, "preprocessing", None)
        if preprocessing is not None:
            inputs = preprocessing(inputs, training=False)
        # The present values, because a compiled program replaces those of the variables.
        state = [(variable, variable.value) for variable in network.variables]
        with keras.StatelessScope(state_mapping=state), exact_moments(network):
            return logits_of(network, inputs, self.outputs, training=True)

    def with_statistics(self, statistics: str) -> "Classifier":
        """The same classifier with other statistics.

        Args:
            statistics: `"moving"` or `"batch"`.
        """
        return Classifier(self.network, outputs=self.outputs, scale=self.scale, statistics=statistics)


class Attacked(NamedTuple):
    """What an attack receives.

    Attributes:
        network: from `inputs` to logits.
        inputs: floating point, `(n, ...)`.
        input_range: `(low, high)` of the inputs, or None.

    Example:
        >>> from zoo.analysis.classifier import attacked
        >>> attacked(lambda x: x, np.zeros((1, 2, 2, 1), "uint8")).input_range
        (0.0, 1.0)
    """

    network: Classifier
    inputs: np.ndarray
    input_range: tuple[float, float] | None


def pixel_range(inputs: Any) -> tuple[float, float] | None:
    """The range of the pixels of images: `(0, 255)` or `(0, 1)`, or None if the inputs are no images.

    Images are arrays `(n, height, width, channels)` of integers, or of numbers from 0 to 1 or to 255.

    Args:
        inputs: raw inputs, `(n, ...)`.

    Example:
        >>> from zoo.analysis.classifier import pixel_range
        >>> pixel_range(np.zeros((5, 28, 28, 1), "uint8"))
        (0.0, 255.0)
    """
    inputs = np.asarray(inputs)
    if inputs.ndim != 4 or not inputs.size:
        return None
    if inputs.dtype == np.uint8:
        return 0.0, 255.0
    low, high = float(inputs.min()), float(inputs.max())
    if low < 0 or high > 255:
        return None
    return (0.0, 1.0) if high <= 1 and inputs.dtype.kind == "f" else (0.0, 255.0)


def attacked(model: Any, x: Any, *, units: str | None = None, clip: bool = True) -> Attacked:
    """The classifier, inputs and range of an attack: the one definition that every command uses.

    Args:
        model: `RegularizedModel`, `LadderNetwork` or any `keras.Model`, from raw inputs to outputs of any kind.
        x: raw inputs, `(n, ...)`.
        units: unit of the perturbations. `"pixels"`: pixels from 0 to 1, so `8/255` is eight steps of an image of
            bytes. The attack acts before the preprocessing and differentiates through it. `"preprocessed"`: unit of the
            preprocessed inputs, on which the attack acts. None: `"pixels"` for images, else `"preprocessed"`.
        clip: whether perturbed images stay in the range of pixels. Other inputs have no range.

    Returns:
        An `Attacked`.

    Raises:
        ValueError: `units` is unknown; the inputs are no images, but the unit is that of pixels; or the preprocessing
            does not map the range of pixels to a range.

    Example:
        >>> from zoo.analysis.classifier import attacked
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((28, 28, 1), num_classes=10, hidden_units=()))
        >>> network, inputs, input_range = attacked(model, np.full((3, 28, 28, 1), 255, "uint8"))
        >>> float(inputs.max()), input_range
        (1.0, (0.0, 1.0))
    """
    x = np.asarray(x)
    pixels = pixel_range(x)
    units = ("pixels" if pixels else "preprocessed") if units is None else check_choice("units", units, UNITS)
    outputs = outputs_kind(model)
    if units == "pixels":
        if pixels is None:
            raise ValueError(
                f"units='pixels' needs images (n, height, width, channels) with pixels from 0 to 1 or 255, received an "
                f"array of shape {x.shape}. Choose units='preprocessed'."
            )
        inputs = (x / np.float32(pixels[1])).astype(keras.config.floatx())
        return Attacked(Classifier(model, outputs=outputs, scale=pixels[1]), inputs, (0.0, 1.0) if clip else None)
    network = getattr(model, "network", model)
    preprocess = _preprocessing(model)
    input_range = _preprocessed_range(model, preprocess, x, pixels) if clip and pixels else None
    return Attacked(Classifier(network, outputs=outputs), preprocess(x), input_range)


def _preprocessing(model: Any) -> Callable[[Any], np.ndarray]:
    """`x -> preprocessed inputs` of a model, in batches."""
    if hasattr(model, "prepare"):
        return lambda x: map_batches(lambda x: model.prepare(ops.convert_to_tensor(x), training=False)[0], x)
    return lambda x: np.asarray(x, keras.config.floatx())


def _preprocessed_range(model: Any, preprocess: Callable, x: Any, pixels: tuple[float, float]) -> tuple[float, float]:
    """The range to which the preprocessing maps that of the pixels."""
    layer = getattr(model, "preprocessing", None)
    unsuitable = [each for each in flatten_layers(layer) if not isinstance(each, ELEMENTWISE)] if layer else []
    bounds = [preprocess(np.full_like(x[:1], bound)) for bound in pixels]
    if unsuitable or any(np.ptp(bound) > 1e-6 * np.ptp(bounds) for bound in bounds):
        name = type(unsuitable[0]).__name__ if unsuitable else "the preprocessing"
        raise ValueError(
            f"{name} does not map the range of pixels {pixels} to one range of its outputs, so perturbed inputs cannot "
            "be clipped there. Choose units='pixels', or clip=False."
        )
    low, high = sorted(float(bound.flat[0]) for bound in bounds)
    return low, high
