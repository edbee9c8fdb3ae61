"""Adversarial noise for the corrupted path of a ladder network."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from zoo.backend.derivatives import linearize
from zoo.ladder.encoder import Encoding, encode
from zoo.ladder.levels import check_levels
from zoo.ladder.rung import Rung
from zoo.regularizers.linearized_pass import LinearizedPass
from zoo.regularizers.math import per_example
from zoo.regularizers.math.worst_directions import NOISES, adversarial_noise, power_iteration
from zoo.validation import check_choice

Tensor = Any  # a tensor of the backend

DIRECTIONS = ("label", "kl")


def split_levels(flat: Tensor, shapes: Mapping[int, tuple[int, ...]]) -> dict[int, Tensor]:
    """Splits the noise of several levels.

    Args:
        flat: `(n, entries)`, the noise of all levels next to each other.
        shapes: `{level: shape of z for one example}`.

    Returns:
        `{level: (n, *shape)}`.

    Example:
        >>> from zoo.ladder.adversarial_noise import split_levels
        >>> {level: z.shape.as_list() for level, z in split_levels(np.ones((2, 7)), {0: (2, 2), 1: (3,)}).items()}
        {0: [2, 2, 2], 1: [2, 3]}
    """
    levels, start = {}, 0
    for level, shape in shapes.items():
        stop = start + math.prod(shape)
        levels[level] = ops.reshape(flat[:, start:stop], (-1, *shape))
        start = stop
    return levels


@keras.saving.register_keras_serializable(package="zoo")
class AdversarialNoise:
    """Noise `ε·δ` for the corrupted path, with δ made from the input gradient g of each example's cost.

    Labeled and unlabeled inputs have separate sizes and kinds. The label of an unlabeled input is the network's own
    prediction ("virtual label"). One backward pass from the clean pass gives g for all inputs and levels. δ is constant
    with respect to the weights. The noise adds to the ladder's Gaussian noise; set the ladder's `noise_std` to 0 to use
    adversarial noise alone.

    Args:
        labeled_epsilon: ε for labeled inputs (τ_s in the thesis), at least 0, in units of the (preprocessed) input. A
            list of L + 1 numbers adds noise to the input and to z of every rung, whose batch standard deviation is 1.
        unlabeled_epsilon: ε for unlabeled inputs (τ_u in the thesis), as `labeled_epsilon`.
        labeled_kind: kind of δ for labeled inputs, see `zoo.regularizers.adversarial_noise`.
        unlabeled_kind: kind of δ for unlabeled inputs.
        direction: `"label"`: g is the gradient of the cross-entropy. `"kl"`: g is the direction in which
            `KL[p(x) ‖ p(x + r)]` grows fastest, after one exact power iteration from a random direction; it does not
            depend on labels.

    Raises:
        ValueError: an unknown kind or direction; when a ladder takes the noise, a negative ε or a list of the wrong
            length.

    Source: Maroñas Molano, 2016, "Adversarial learning with ladder networks" (thesis), sections 5.4 and 6.2. Noise
    above the input and the KL direction are additions.

    Example:
        >>> rungs = [{"name": "dense", "units": 16}, {"name": "dense", "units": 10}]
        >>> encoder = zoo.ladder.ladder_encoder((784,), num_classes=10, rungs=rungs)
        >>> noise = zoo.ladder.AdversarialNoise(labeled_epsilon=0.1, unlabeled_epsilon=0.05)
        >>> model = zoo.LadderNetwork(encoder, denoising_weights=[1000, 10, 0.1], adversarial_noise=noise)
        >>> model.noisy_shapes
        {0: (784,)}
    """

    def __init__(
        self,
        labeled_epsilon: float | Sequence[float] = 0.0,
        unlabeled_epsilon: float | Sequence[float] = 0.0,
        *,
        labeled_kind: str = "sign",
        unlabeled_kind: str = "scaled_l2",
        direction: str = "label",
    ):
        self.labeled_epsilon, self.unlabeled_epsilon = labeled_epsilon, unlabeled_epsilon
        self.labeled_kind = check_choice("labeled_kind", labeled_kind, NOISES)
        self.unlabeled_kind = check_choice("unlabeled_kind", unlabeled_kind, NOISES)
        self.direction = check_choice("direction", direction, DIRECTIONS)

    def epsilons(self, num_levels: int) -> dict[int, tuple[float, float]]:
        """The sizes of the noise at the levels that have noise.

        Args:
            num_levels: L + 1.

        Returns:
            `{level: (ε of labeled inputs, ε of unlabeled inputs)}`.
        """
        labeled = check_levels("labeled_epsilon", self.labeled_epsilon, num_levels, rest=0.0)
        unlabeled = check_levels("unlabeled_epsilon", self.unlabeled_epsilon, num_levels, rest=0.0)
        return {level: pair for level, pair in enumerate(zip(labeled, unlabeled, strict=True)) if any(pair)}

    def at_clean_pass(
        self,
        rungs: Sequence[Rung],
        shapes: Sequence[tuple[int, ...]],
        inputs: Tensor,
        boundary: int | Tensor | None,
        **linearized: Any,
    ) -> tuple[Encoding, dict[int, Tensor]]:
        """The clean pass over all rows, and the noise at this pass.

        Args:
            rungs: rungs of the encoder, from the bottom to the top.
            shapes: shapes of z⁰ … z^L for one example.
            inputs: z⁰, `(n, ...)`.
            boundary: index of the first unlabeled row, or None, see `encode`.
            **linearized: `losses`, `num_labeled` and `seed` of a `LinearizedPass`.

        Returns:
            The encoding, and `{level: ε·δ}`.
        """
        noisy = {level: shapes[level] for level in self.epsilons(len(shapes))}

        def run(flat):
            noise = split_levels(flat, noisy)
            encoding = encode(rungs, inputs, boundary, lambda level, z: z + noise[level] if level in noise else z)
            return encoding.logits, encoding

        none = ops.zeros((ops.shape(inputs)[0], sum(map(math.prod, noisy.values()))), inputs.dtype)
        clean = linearize(run, none)
        there = LinearizedPass(inputs=none, logits=clean.outputs, jvp=clean.jvp, vjp=clean.vjp, **linearized)
        return clean.aux, self.draw(there, shapes)

    def draw(self, linearized: LinearizedPass, shapes: Sequence[tuple[int, ...]]) -> dict[int, Tensor]:
        """The noise at a clean pass.

        Args:
            linearized: pass whose inputs are the noise of all levels next to each other, `(n, entries)`.
            shapes: shapes of z⁰ … z^L for one example.

        Returns:
            `{level: ε·δ}`, each `(n, ...)`.
        """
        if self.direction == "kl":
            start = per_example.random_direction(linearized.inputs, linearized.seed)
            gradient = power_iteration(linearized, start, "categorical", 1)
        else:
            gradient = ops.stop_gradient(linearized.virtual_loss_gradient)
        num_labeled, epsilons = linearized.num_labeled, self.epsilons(len(shapes))
        noise = {}
        for level, g in split_levels(gradient, {level: shapes[level] for level in epsilons}).items():
            labeled, unlabeled = epsilons[level]
            labeled = labeled * adversarial_noise(g[:num_labeled], self.labeled_kind)
            unlabeled = unlabeled * adversarial_noise(g[num_labeled:], self.unlabeled_kind)
            noise[level] = ops.concatenate([labeled, unlabeled])
        return noise

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        names = ("labeled_epsilon", "unlabeled_epsilon", "labeled_kind", "unlabeled_kind", "direction")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "AdversarialNoise":
        """Makes the noise from the result of `get_config`."""
        return cls(**config)
