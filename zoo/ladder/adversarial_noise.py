"""Adversarial noise for the corrupted path of a ladder network."""

import math

import keras
from keras import ops

from zoo.ladder.levels import check_levels
from zoo.regularizers.math import per_example
from zoo.regularizers.math.worst_directions import NOISES, adversarial_noise, power_iteration
from zoo.validation import check_choice

DIRECTIONS = ("label", "kl")


def split_levels(flat, shapes):
    """Takes the noise of several levels apart.

    Args:
        flat: `(n, entries)`, all levels side by side.
        shapes: `{level: shape of one example's z}`.

    Returns:
        `{level: (n, *shape)}`.
    """
    parts, start = {}, 0
    for level, shape in shapes.items():
        stop = start + math.prod(shape)
        parts[level] = ops.reshape(flat[:, start:stop], (-1, *shape))
        start = stop
    return parts


@keras.saving.register_keras_serializable(package="zoo")
class AdversarialNoise:
    """Noise `τ·δ`, made of the input gradient g of each example's cost, for the corrupted path.

    Labeled and unlabeled inputs have a τ and a kind of their own; the label of an unlabeled one is the network's
    prediction ("virtual label"). g is taken at the clean pass, by one backward pass for all inputs and levels, and δ is
    constant with respect to the weights. It comes on top of the ladder's Gaussian noise; a `noise_std` of 0 there
    leaves it alone.

    Args:
        labeled, unlabeled: τ_s and τ_u, at least 0, in units of the (preprocessed) input; a list of L + 1 numbers adds
            noise to the input and to every rung's z, whose batch standard deviation is 1.
        labeled_kind, unlabeled_kind: kind of δ, see `zoo.regularizers.adversarial.adversarial_noise`.
        direction: `"label"`, where g is the gradient of the cross-entropy; or `"kl"`, where g is the direction of
            steepest growth of `KL[p(x) ‖ p(x + r)]` by one exact power iteration from a random direction, and labels
            take no part.

    Raises:
        ValueError: an unknown kind or direction; a τ negative or a list of the wrong length, when a ladder takes it.

    Source: Maroñas Molano 2016 (thesis), sections 5.4 and 6.2. Noise above the input and the KL
    direction are what it leaves open.
    """

    def __init__(
        self, labeled=0.0, unlabeled=0.0, *, labeled_kind="sign", unlabeled_kind="scaled_l2", direction="label"
    ):
        self.labeled, self.unlabeled = labeled, unlabeled
        self.labeled_kind = check_choice("labeled_kind", labeled_kind, NOISES)
        self.unlabeled_kind = check_choice("unlabeled_kind", unlabeled_kind, NOISES)
        self.direction = check_choice("direction", direction, DIRECTIONS)

    def strengths(self, num_levels):
        """`{level: (τ_s, τ_u)}` of the levels that have noise, of L + 1."""
        labeled = check_levels("labeled", self.labeled, num_levels, rest=0.0)
        unlabeled = check_levels("unlabeled", self.unlabeled, num_levels, rest=0.0)
        return {level: pair for level, pair in enumerate(zip(labeled, unlabeled, strict=True)) if any(pair)}

    def draw(self, linearized, shapes):
        """The noise at a clean pass.

        Args:
            linearized: `LinearizedPass` whose inputs are the noise of all levels side by side, `(n, entries)`.
            shapes: of one example's z⁰ … z^L.

        Returns:
            `{level: τ·δ}`, each `(n, ...)`.
        """
        if self.direction == "kl":
            start = per_example.random_direction(linearized.inputs, linearized.seed)
            gradient = power_iteration(linearized, start, "categorical", 1)
        else:
            gradient = ops.stop_gradient(linearized.virtual_loss_gradient)
        num_labeled, strengths = linearized.num_labeled, self.strengths(len(shapes))
        noise = {}
        for level, part in split_levels(gradient, {level: shapes[level] for level in strengths}).items():
            labeled, unlabeled = strengths[level]
            labeled = labeled * adversarial_noise(part[:num_labeled], self.labeled_kind)
            unlabeled = unlabeled * adversarial_noise(part[num_labeled:], self.unlabeled_kind)
            noise[level] = ops.concatenate([labeled, unlabeled])
        return noise

    def get_config(self):
        names = ("labeled", "unlabeled", "labeled_kind", "unlabeled_kind", "direction")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config):
        return cls(**config)
