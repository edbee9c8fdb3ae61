"""The encoder of a ladder, which is a complete Keras network, and its clean and corrupted passes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
from keras import layers, ops

from zoo.backend.replicas import num_replicas
from zoo.ladder.projections import project
from zoo.ladder.rung import Rung, batch_moments, standardize
from zoo.validation import check_choice

Tensor = Any  # a tensor of the backend


def ladder_encoder(
    input_shape: tuple[int, ...],
    num_classes: int,
    *,
    rungs: Sequence[Mapping[str, Any]],
    activation: str = "relu",
    scale_logits: bool = True,
    name: str = "ladder_encoder",
) -> keras.Model:
    """Builds the encoder of a ladder network. By itself it is a batch-normalized classifier.

    Args:
        input_shape: shape of one example. It is flattened if the first rung is dense.
        num_classes: number of logits, which equals the units of the last rung.
        rungs: maps from the bottom to the top, as `zoo.ladder.projections.project` takes them:
            `{"name": "dense", "units": 1000}`, `{"name": "conv", "filters": 96, "size": 3, "padding": "full"}`,
            `{"name": "max_pool", "size": 2}` or `{"name": "global_mean"}`.
        activation: activation of dense maps and convolutions below the top: `"relu"` or `"leaky_relu"`. Poolings are
            linear.
        scale_logits: whether the logits have a scale γ.
        name: name of the model.

    Returns:
        A functional `keras.Model` of `Rung`s, from inputs `(n, *input_shape)` to logits `(n, num_classes)`.

    Raises:
        TypeError: `rungs` is not a list of dictionaries.
        ValueError: an unknown activation; or there is no rung, a rung does not fit its input, or the last rung does not
            give `num_classes` logits.

    Source: Rasmus, Valpola, Honkala, Berglund, Raiko, 2015, "Semi-supervised learning with ladder networks",
    https://arxiv.org/abs/1507.02672, algorithm 1.

    Example:
        >>> rungs = [{"name": "dense", "units": 16}, {"name": "dense", "units": 10}]
        >>> encoder = zoo.ladder.ladder_encoder((28, 28, 1), num_classes=10, rungs=rungs)
        >>> encoder.output_shape
        (None, 10)
    """
    check_choice("activation", activation, ("relu", "leaky_relu"))
    if not isinstance(rungs, (list, tuple)) or not all(isinstance(spec, dict) for spec in rungs):
        raise TypeError(f"rungs must be a list of dictionaries, received {rungs!r}.")
    if not rungs:
        raise ValueError("rungs must have at least one entry, received none.")
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
            f"The last rung {rungs[-1]!r} gives outputs of shape {x.shape[1:]}; for {num_classes} classes it "
            f"must give ({num_classes},)."
        )
    return keras.Model(inputs, x, name=name)


def rungs_of(encoder: keras.Model) -> list[Rung]:
    """The rungs of an encoder, from the bottom to the top.

    Args:
        encoder: model made by `ladder_encoder`.

    Raises:
        TypeError: the model has no rung, or has layers other than rungs above the input.

    Example:
        >>> from zoo.ladder.encoder import rungs_of
        >>> encoder = zoo.ladder.ladder_encoder((6,), num_classes=3, rungs=[{"name": "dense", "units": 3}])
        >>> [rung.name for rung in rungs_of(encoder)]
        ['rung_1']
    """
    above = [layer for layer in encoder.layers if not isinstance(layer, (layers.InputLayer, layers.Flatten))]
    if not above or not all(isinstance(layer, Rung) for layer in above):
        raise TypeError(f"A ladder network takes an encoder made by ladder_encoder, received layers {above!r}.")
    return above


class Encoding(NamedTuple):
    """The values of one pass through the encoder.

    Attributes:
        z: z⁰ … z^L of all rows, after the noise if there is any. z⁰ is the input.
        logits: `(n, num_classes)`.
        moments: for rungs 1 … L, mean and variance of the last group of rows before the normalization.

    Example:
        >>> from zoo.ladder.encoder import Encoding
        >>> Encoding(z=[np.ones((2, 3))], logits=np.ones((2, 3)), moments=[]).logits.shape
        (2, 3)
    """

    z: list[Tensor]
    logits: Tensor
    moments: list[tuple[Tensor, Tensor]]


def normalize_groups(values: Tensor, num_first: int | Tensor | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Normalizes the first rows and the other rows of a batch, each group by its own statistics.

    Args:
        values: `(n, ..., k)`.
        num_first: number of rows in the first group, or None to make one group of all rows.

    Returns:
        The normalized values; mean and variance of the last group.

    Example:
        >>> from zoo.ladder.encoder import normalize_groups
        >>> normalized, _ = normalize_groups(np.array([[0.0], [2.0], [5.0], [7.0]]), 2)
        >>> np.asarray(normalized).ravel().round(6)
        array([-1.,  1., -1.,  1.])
    """
    groups = [values] if num_first is None else [values[:num_first], values[num_first:]]
    moments = [batch_moments(group) for group in groups]
    normalized = [standardize(group, *each) for group, each in zip(groups, moments, strict=True)]
    return normalized[0] if num_first is None else ops.concatenate(normalized), moments[-1]


def encode(
    rungs: Sequence[Rung],
    inputs: Tensor,
    num_first: int | Tensor | None = None,
    corrupt: Callable[[int, Tensor], Tensor] = lambda level, z: z,
) -> Encoding:
    """Runs the encoder with the statistics of the batch.

    Args:
        rungs: rungs of the encoder, from the bottom to the top.
        inputs: x, `(n, ...)`, in the shape that the lowest rung takes.
        num_first: number of leading rows that are normalized apart from the others, or None for one group.
        corrupt: `(level, z) -> z̃` adds noise. Level 0 is the input. The default is the clean path.

    Returns:
        An `Encoding`.

    Example:
        >>> from zoo.ladder.encoder import encode, rungs_of
        >>> encoder = zoo.ladder.ladder_encoder((6,), num_classes=3, rungs=[{"name": "dense", "units": 3}])
        >>> [z.shape.as_list() for z in encode(rungs_of(encoder), keras.ops.ones((4, 6))).z]
        [[4, 6], [4, 3]]
    """
    h = corrupt(0, inputs)
    z, moments = [h], []
    for level, rung in enumerate(rungs, 1):
        normalized, last = normalize_groups(rung.project(h), num_first)
        z.append(corrupt(level, normalized))
        moments.append(last)
        h = rung.activate(z[-1])
    return Encoding(z, h, moments)


def unbiased_moments(rungs: Sequence[Rung], inputs: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Mean and unbiased variance of inputs in the clean path, for every rung.

    Args:
        rungs: rungs of the encoder, from the bottom to the top.
        inputs: x, `(n, ...)`, in the shape that the lowest rung takes.

    Example:
        >>> from zoo.ladder.encoder import rungs_of, unbiased_moments
        >>> encoder = zoo.ladder.ladder_encoder((6,), num_classes=3, rungs=[{"name": "dense", "units": 3}])
        >>> [mean.shape.as_list() for mean, _ in unbiased_moments(rungs_of(encoder), keras.ops.ones((4, 6)))]
        [[3]]
    """
    count = num_replicas() * ops.cast(ops.shape(inputs)[0], inputs.dtype)
    moments = encode(rungs, inputs).moments
    return [(mean, variance * count / ops.maximum(count - 1, 1)) for mean, variance in moments]
