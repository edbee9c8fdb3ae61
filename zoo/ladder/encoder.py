"""The ladder's encoder, a Keras network in its own right, and its clean and corrupted passes."""

from typing import Any, NamedTuple

import keras
from keras import layers, ops

from zoo.ladder.projections import project
from zoo.ladder.rung import Rung, batch_moments, standardize
from zoo.validation import check_choice


def ladder_encoder(input_shape, num_classes, *, rungs, activation="relu", scale_logits=True, name="ladder_encoder"):
    """Builds the encoder of a ladder network: by itself, a batch-normalized classifier.

    Args:
        input_shape: shape of one example; it is flattened where the first rung is dense.
        num_classes: number of logits, the units of the last rung.
        rungs: list of maps as `zoo.ladder.projections.project` takes them, from the bottom to the top:
            `[{"name": "dense", "units": 1000}, ...]`.
        activation: of dense maps and convolutions below the top: `"relu"` or `"leaky_relu"`. Poolings are linear.
        scale_logits: whether the logits have a γ.
        name: of the model.

    Returns:
        A functional `keras.Model` of `Rung`s, from inputs `(n, *input_shape)` to logits `(n, num_classes)`.

    Raises:
        TypeError: `rungs` is no list of dictionaries.
        ValueError: an unknown activation; there is no rung, one does not fit its input, or the last one does not give
            `num_classes` logits.
    """
    check_choice("activation", activation, ("relu", "leaky_relu"))
    if not isinstance(rungs, (list, tuple)) or not all(isinstance(spec, dict) for spec in rungs):
        raise TypeError(f"rungs must be a list of maps, received {rungs!r}.")
    if not rungs:
        raise ValueError("rungs must name at least one layer, received none.")
    x = inputs = keras.Input(input_shape)
    if rungs[0].get("name") == "dense" and len(input_shape) > 1:
        x = layers.Flatten()(x)
    for index, spec in enumerate(rungs, 1):
        projection = project(spec, x.shape[1:])
        top, pooling = index == len(rungs), spec["name"] in ("max_pool", "global_mean")
        linear = top or pooling
        x = Rung(
            projection,
            "linear" if linear else activation,
            shift=top or not pooling,
            scale=top and scale_logits,
            name=f"rung_{index}",
        )(x)
    if x.shape[1:] != (num_classes,):
        raise ValueError(
            f"The last ladder layer {rungs[-1]!r} gives outputs of shape {x.shape[1:]}, for {num_classes} classes it "
            f"must give ({num_classes},)."
        )
    return keras.Model(inputs, x, name=name)


def rungs_of(encoder):
    """The rungs of an encoder, from the bottom to the top.

    Raises:
        TypeError: it holds none, or layers other than rungs above the input.
    """
    above = [layer for layer in encoder.layers if not isinstance(layer, (layers.InputLayer, layers.Flatten))]
    if not above or not all(isinstance(layer, Rung) for layer in above):
        raise TypeError(f"A ladder network takes an encoder made by ladder_encoder, received layers {above!r}.")
    return above


class Encoding(NamedTuple):
    """What one pass through the encoder leaves.

    Attributes:
        z: `z⁰ … z^L`, normalized and with noise where there was any; `z⁰` is the input.
        logits: `(n, num_classes)`.
        moments: for rung 1 … L, mean and variance of the last group of rows before normalizing.
    """

    z: list[Any]
    logits: Any
    moments: list[Any]


def normalize_groups(values, num_first):
    """Normalizes the first rows and the rest of a batch each by statistics of their own.

    Args:
        values: `(n, ..., k)`.
        num_first: number of rows in the first group; None makes one group of all.

    Returns:
        The normalized values, and mean and variance of the last group.
    """
    groups = [values] if num_first is None else [values[:num_first], values[num_first:]]
    moments = [batch_moments(group) for group in groups]
    normalized = [standardize(group, *each) for group, each in zip(groups, moments, strict=True)]
    return normalized[0] if num_first is None else ops.concatenate(normalized), moments[-1]


def encode(rungs, inputs, num_first=None, corrupt=lambda level, z: z):
    """Runs the encoder on batch statistics.

    Args:
        rungs: of the encoder, from the bottom to the top.
        inputs: x, `(n, ...)`, of the shape that the lowest rung takes.
        num_first: number of leading rows whose statistics are kept apart from the others'; None for one group.
        corrupt: `(level, z) -> z̃`, adds noise; level 0 is the input. The default is the clean path.

    Returns:
        An `Encoding`.
    """
    h = corrupt(0, inputs)
    z, moments = [h], []
    for level, rung in enumerate(rungs, 1):
        normalized, last = normalize_groups(rung.project(h), num_first)
        z.append(corrupt(level, normalized))
        moments.append(last)
        h = rung.activate(z[-1])
    return Encoding(z, h, moments)
