"""The units and the range of an attack: the one definition that every command uses."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from zoo.analysis.batches import map_batches
from zoo.analysis.classifier import Classifier, as_classifier
from zoo.analysis.logits import parts_of
from zoo.backend.keras_internals import flatten_layers
from zoo.datasets.arrays import as_inputs, take_rows
from zoo.training.inputs import named_inputs, unwrap
from zoo.training.objective_model import ObjectiveModel
from zoo.training.perturbed_layers import layer_names
from zoo.validation import check_choice

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


class Attacked(NamedTuple):
    """What an attack receives.

    Attributes:
        network: from `inputs` to logits.
        inputs: as the network takes them: in floating point, `(n, ...)`; or several in a dictionary, list or tuple.
        input_range: `(low, high)` of the inputs; of several `{name: (low, high)}`; or None.

    Example:
        >>> zoo.analysis.attacked(lambda x: x, np.zeros((1, 2, 2, 1), "uint8")).input_range
        (0.0, 1.0)
    """

    network: Classifier
    inputs: Any
    input_range: Any


def pixel_range(inputs: Any) -> tuple[float, float] | None:
    """The range of the pixels of images: `(0, 255)` or `(0, 1)`, or None if the inputs are no images.

    Images are arrays `(n, height, width, channels)` of integers, or of numbers from 0 to 1 or to 255.

    Args:
        inputs: raw inputs, `(n, ...)`.

    Example:
        >>> from zoo.analysis.units import pixel_range
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


def no_images(x: Any) -> ValueError:
    """The error for the unit of pixels, if the inputs are no images.

    Args:
        x: raw inputs; None if layers move.

    Example:
        >>> from zoo.analysis.units import no_images
        >>> str(no_images(np.zeros((2, 3)))).endswith("received an array of shape (2, 3). Choose units='preprocessed'.")
        True
    """
    one_array = x is not None and not keras.tree.is_nested(x)
    what = f"an array of shape {np.asarray(x).shape}" if one_array else "several inputs, or layers to perturb"
    return ValueError(
        "units='pixels' needs images (n, height, width, channels) with pixels from 0 to 1 or 255, received "
        f"{what}. Choose units='preprocessed'."
    )


def attacked(model: Any, x: Any, *, units: str | None = None, clip: bool = True) -> Attacked:
    """The classifier, inputs and range of an attack: the one definition that every command uses.

    Args:
        model: `RegularizedModel`, `LadderNetwork` or any `keras.Model`, from raw inputs to outputs of any kind; or a
            `Classifier` of one.
        x: raw inputs, `(n, ...)`, or several in a dictionary, list or tuple.
        units: unit of the perturbations. `"pixels"`: pixels from 0 to 1, so `8/255` is eight steps of an image of
            bytes. The attack acts before the preprocessing and differentiates through it. `"preprocessed"`: unit of the
            preprocessed inputs, on which the attack acts, or of the layers that it moves. None: `"pixels"` for images,
            else `"preprocessed"`. Several inputs have units of their own, see `perturb` of `RegularizedModel`.
        clip: whether perturbed images stay in the range of pixels. Other inputs have no range, and images among several
            have one if there is no preprocessing.

    Returns:
        An `Attacked`.

    Raises:
        ValueError: `units` is unknown; the inputs are no images, but the unit is that of pixels; or the preprocessing
            does not map the range of pixels to a range.

    Example:
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((28, 28, 1), num_classes=10, hidden_units=()))
        >>> network, inputs, input_range = zoo.analysis.attacked(model, np.full((3, 28, 28, 1), 255, "uint8"))
        >>> float(inputs.max()), input_range
        (1.0, (0.0, 1.0))
    """
    classifier = as_classifier(model)
    model, x = classifier.network, unwrap(classifier.entry, as_inputs(x))
    one_input = not keras.tree.is_nested(x) and not layer_names(classifier.perturb)
    pixels = pixel_range(x) if one_input else None
    units = ("pixels" if pixels else "preprocessed") if units is None else check_choice("units", units, UNITS)
    if units == "pixels":
        if pixels is None:
            raise no_images(x if one_input else None)
        inputs = (np.asarray(x) / np.float32(pixels[1])).astype(keras.config.floatx())
        network = classifier.around(model, scale=pixels[1] * classifier.scale)
        return Attacked(network, inputs, (0.0, 1.0) if clip else None)
    # The scale is a factor before the preprocessing; without one the network keeps it.
    inner, preprocessing = parts_of(model)
    scale = 1.0 if preprocessing is None else classifier.scale
    network = classifier.around(inner, scale=classifier.scale / scale)
    preprocess = _preprocessing(model, one_input, scale)
    input_range = _preprocessed_range(model, preprocess, x, pixels) if clip and pixels else None
    if clip and keras.tree.is_nested(x) and preprocessing is None:
        input_range = _ranges_of_images(network, x)
    return Attacked(network, preprocess(x) if clip else _without_bytes(network, preprocess(x)), input_range)


def _preprocessing(model: Any, one_input: bool, scale: float) -> Callable[[Any], Any]:
    """`x -> preprocessed inputs` of a model, in batches."""
    if isinstance(model, ObjectiveModel):
        tensors = functools.partial(keras.tree.map_structure, ops.convert_to_tensor)

        def of_batch(x):
            x = tensors(x)
            x = x if scale == 1.0 else scale * ops.cast(x, keras.config.floatx())
            return model.prepare(x, training=False)[0]

        return lambda x: map_batches(of_batch, x)
    return lambda x: np.asarray(x, keras.config.floatx()) if one_input else x


def _moving(network: Classifier, x: Any) -> Any:
    """The names of the inputs that move."""
    return getattr(network.at(take_rows(x, slice(0, 1))).perturbed, "scales", ())


def _without_bytes(network: Classifier, x: Any) -> Any:
    """Inputs in which bytes that move are floating-point numbers, because attacks keep bytes in their range."""
    if not keras.tree.is_nested(x):
        return x
    moving, dtype = _moving(network, x), keras.config.floatx()
    pairs = [
        (name in moving and keras.backend.standardize_dtype(each.dtype) == "uint8", each)
        for name, each in named_inputs(network.entry, x).items()
    ]
    return keras.tree.pack_sequence_as(x, [np.asarray(each, dtype) if byte else each for byte, each in pairs])


def _ranges_of_images(network: Classifier, x: Any) -> dict[str, tuple[float, float]] | None:
    """The ranges of the images that move among several inputs."""
    scales = _moving(network, x)
    ranges = {name: pixel_range(each) for name, each in named_inputs(network.entry, x).items() if name in scales}
    return {name: pixels for name, pixels in ranges.items() if pixels} or None


def _preprocessed_range(model: Any, preprocess: Callable, x: Any, pixels: tuple[float, float]) -> tuple[float, float]:
    """The range to which the preprocessing maps that of the pixels."""
    _, layer = parts_of(model)
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
