"""Ladder networks, with Gaussian and with adversarial noise."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from zoo.backend.random_numbers import Seed, normal
from zoo.datasets import SemiSupervised
from zoo.datasets.arrays import num_rows
from zoo.ladder.adversarial_noise import AdversarialNoise
from zoo.ladder.decoder import Decoder
from zoo.ladder.encoder import encode, rungs_of, unbiased_moments
from zoo.ladder.levels import check_combinators, check_length, check_levels
from zoo.ladder.rung import Rung
from zoo.training import ObjectiveModel, RegularizedModel
from zoo.training.inputs import split_inputs
from zoo.training.losses import per_example_loss
from zoo.training.outputs import returns_logits
from zoo.validation import check_choice, check_number

Tensor = Any  # a tensor of the backend

STATISTICS_OF = ("unlabeled", "labeled")


@keras.saving.register_keras_serializable(package="zoo")
class LadderNetwork(ObjectiveModel):
    """A classifier that learns from labels and from denoising its own layers.

    `J = L(h̃, y) + Σ_l λ_l·C_l` with `C_l = mean ‖z^l − (ẑ^l − μ^l)/σ^l‖²`. L is the cross-entropy of the corrupted path
    on labeled inputs. C_l compares, on unlabeled inputs, the decoder's ẑ^l with the clean path's z^l, whose batch
    statistics before the normalization are μ^l and σ^l. Labeled and unlabeled rows are normalized by separate
    statistics. Predictions come from the clean path, with moving averages of one of them, see `statistics_of`. Training
    metrics come from the corrupted path.

    `fit` takes a `zoo.datasets.SemiSupervised`, or any data whose inputs are `{"labeled": ..., "unlabeled": ...}`. The
    inputs of plain `(x, y)` serve as both. Each cost is a metric, `denoising_<level>`.

    Args:
        network: the encoder, made by `ladder_encoder`.
        denoising_weights: `λ_0 … λ_L`, each at least 0. λ_0 is for the input, the others for the rungs from the bottom
            to the top. With all at 0 the encoder trains alone. Only the last above 0 is the Γ-model, only the first the
            bottom-only ladder.
        combinators: g of every level: `"gauss"`, `"linear"`, `"identity"` or `"mlp"`; or a list of L + 1 names, with
            None for a level without decoder. Levels below the lowest cost never have one.
        noise_std: standard deviation of the Gaussian noise on the corrupted input and on z of every rung, at least 0:
            one number, or a list of L + 1 numbers.
        adversarial_noise: `AdversarialNoise` that adds to the Gaussian noise, or None.
        statistics_of: rows whose statistics in the clean path the moving averages follow: `"unlabeled"` (default), or
            `"labeled"` with the unbiased variance, as in the authors' program. That costs one more pass over the
            labeled rows.
        preprocessing: Keras layer that runs before the network, or None. Noise is in units of its output.
        seed: integer or `keras.random.SeedGenerator` for the noise. None draws a seed, which
            `keras.utils.set_random_seed` fixes.
        **kwargs: arguments of `keras.Model`.

    Raises:
        TypeError: `network` is not a ladder encoder, or `adversarial_noise` is not an `AdversarialNoise`.
        ValueError: a list has the wrong length, a number is out of range, or a name is unknown.

    Source: Rasmus, Valpola, Honkala, Berglund, Raiko, 2015, "Semi-supervised learning with ladder networks",
    https://arxiv.org/abs/1507.02672, algorithm 1. Adversarial noise: Maroñas Molano, 2016, "Adversarial learning with
    ladder networks" (thesis).

    Example:
        >>> rungs = [{"name": "dense", "units": 16}, {"name": "dense", "units": 10}]
        >>> encoder = zoo.ladder.ladder_encoder((784,), num_classes=10, rungs=rungs)
        >>> model = zoo.LadderNetwork(encoder, denoising_weights=[1000, 10, 0.1])
        >>> model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
        >>> [metric.name for metric in model.penalty_metrics]
        ['denoising_0', 'denoising_1', 'denoising_2']
    """

    def __init__(
        self,
        network: keras.Model,
        *,
        denoising_weights: Sequence[float],
        combinators: str | Sequence[str | None] = "gauss",
        noise_std: float | Sequence[float] = 0.3,
        adversarial_noise: AdversarialNoise | None = None,
        statistics_of: str = "unlabeled",
        preprocessing: keras.Layer | None = None,
        seed: Seed = None,
        **kwargs: Any,
    ):
        super().__init__(network, preprocessing=preprocessing, seed=seed, **kwargs)
        rungs = rungs_of(network)
        self.level_shapes = [tuple(rungs[0].input.shape[1:]), *(tuple(rung.output.shape[1:]) for rung in rungs)]
        num_levels = len(self.level_shapes)
        weights = check_length("denoising_weights", denoising_weights, num_levels)
        self.denoising_weights = [check_number("denoising_weights", weight, 0) for weight in weights]
        self.combinators = combinators
        self.noise_std = check_levels("noise_std", noise_std, num_levels)
        if adversarial_noise is not None and not isinstance(adversarial_noise, AdversarialNoise):
            raise TypeError(f"adversarial_noise must be an AdversarialNoise or None, received {adversarial_noise!r}.")
        self.adversarial_noise = adversarial_noise
        self.statistics_of = check_choice("statistics_of", statistics_of, STATISTICS_OF)
        noisy_levels = () if adversarial_noise is None else adversarial_noise.epsilons(num_levels)
        self.noisy_shapes = {level: self.level_shapes[level] for level in noisy_levels}
        self.decoder = Decoder(rungs, self.level_shapes, check_combinators(combinators, weights))
        costly = [level for level, weight in enumerate(weights) if weight]
        self.penalty_metrics = [keras.metrics.Mean(name=f"denoising_{level}") for level in costly]

    @property
    def rungs(self) -> list[Rung]:
        """The rungs of the encoder, from the bottom to the top."""
        return rungs_of(self.network)

    def fit(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Keras's `fit`. Arrays are checked first, and the zoo's own batches keep their order.

        Args:
            x: as for Keras's `fit`, or a `zoo.datasets.SemiSupervised`.
            y: labels, or None if `x` has them.
            *args: further arguments of Keras's `fit`.
            **kwargs: further arguments of Keras's `fit`.

        Returns:
            Keras's `History`.

        Raises:
            ValueError: as for `RegularizedModel.fit`; or the unlabeled set is smaller than the labeled one.
        """
        if isinstance(x, SemiSupervised) and num_rows(x.x_unlabeled) < num_rows(x.x):
            raise ValueError(
                "The unlabeled set must be at least as large as the labeled one, received "
                f"{num_rows(x.x_unlabeled)} unlabeled and {num_rows(x.x)} labeled examples."
            )
        return super().fit(x, y, *args, **kwargs)

    def classifier(self) -> RegularizedModel:
        """The clean path as a compiled `RegularizedModel` that shares the weights. This is what `zoo.export` takes.

        Raises:
            ValueError: the ladder is not built.
        """
        if self.raw_input_shape is None:
            raise ValueError("Build the ladder first: call fit, or build((None, *input_shape)).")
        model = RegularizedModel(self.network, preprocessing=self.preprocessing, name="classifier")
        model.build((None, *self.raw_input_shape))
        default = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", self.loss if self.compiled else default, metrics=["accuracy"])
        return model

    def objective(
        self, x: Any, y: Tensor, sample_weight: Tensor | None = None, active: Any = None
    ) -> tuple[Tensor, Tensor]:
        """The ladder's cost of one batch. It updates the moving averages of the encoder's statistics.

        Args:
            x: `{"labeled": ..., "unlabeled": ...}`, or inputs that are both.
            y: labels of the labeled inputs.
            sample_weight: `(num_labeled,)` or None. It weights the cross-entropy.
            active: not used.

        Returns:
            The scalar cost, and the logits of the corrupted path for the labeled inputs.

        Raises:
            ValueError: the loss is not a categorical cross-entropy of logits.
        """
        if not returns_logits(self.loss):
            raise ValueError(
                f"A ladder network trains on a categorical cross-entropy of logits, received loss={self.loss!r}. Pass "
                "compile() keras.losses.SparseCategoricalCrossentropy(from_logits=True)."
            )
        inputs, num_labeled = self.prepare(x)
        dtype = self.rungs[0].normalization.compute_dtype
        inputs = ops.cast(ops.reshape(inputs, (-1, *self.level_shapes[0])), dtype)
        boundary = None if split_inputs(x)[1] is None else num_labeled
        logits, costs = self.passes(inputs, y, num_labeled, boundary, self.gaussian_noise)
        loss = self.labeled_loss(x, y, logits[:num_labeled], sample_weight)
        for (level, cost), metric in zip(costs.items(), self.penalty_metrics, strict=True):
            metric.update_state(cost)
            loss = loss + self.denoising_weights[level] * ops.cast(cost, loss.dtype)
        self.iterations.assign(self.iterations + 1)
        return loss, logits[:num_labeled]

    def gaussian_noise(self, level: int, z: Tensor) -> Tensor | float:
        """Gaussian noise for z of one level; 0 if its `noise_std` is 0."""
        std = self.noise_std[level]
        return std * normal(z, self.seed_generator) if std else 0.0

    def passes(
        self,
        inputs: Tensor,
        y: Tensor,
        num_labeled: int | Tensor,
        boundary: int | Tensor | None,
        gaussian_noise: Callable[[int, Tensor], Any],
    ) -> tuple[Tensor, dict[int, Tensor]]:
        """Runs the clean pass, the corrupted pass and the decoder.

        Args:
            inputs: z⁰, labeled rows first.
            y: labels of the labeled rows.
            num_labeled: number of rows with labels.
            boundary: index of the first unlabeled row; None if all rows also serve as unlabeled rows.
            gaussian_noise: `(level, z) -> noise`.

        Returns:
            The logits of the corrupted path for all rows, and `{level: cost}`.
        """
        unlabeled = slice(boundary, None)
        if self.noisy_shapes:
            clean, noise = self._adversarial_pass(inputs, y, num_labeled, boundary)
            clean_z = [z[unlabeled] for z in clean.z]
        else:
            clean, noise = encode(self.rungs, inputs[unlabeled]), {}
            clean_z = clean.z
        labeled = self.statistics_of == "labeled"
        followed = unbiased_moments(self.rungs, inputs[:num_labeled]) if labeled else clean.moments
        for rung, moments in zip(self.rungs, followed, strict=True):
            rung.update_statistics(*moments)
        if not self.penalty_metrics:  # without a cost, unlabeled rows do not matter to the corrupted path
            inputs, boundary = inputs[:num_labeled], None
            noise = {level: each[:num_labeled] for level, each in noise.items()}
        corrupted = encode(
            self.rungs, inputs, boundary, lambda level, z: z + gaussian_noise(level, z) + noise.get(level, 0.0)
        )
        if not self.penalty_metrics:
            return corrupted.logits, {}
        estimates = self.decoder.denoise([z[unlabeled] for z in corrupted.z], corrupted.logits[unlabeled])
        return corrupted.logits, self._costs(clean_z, estimates, [None, *clean.moments])

    def _adversarial_pass(self, inputs, y, num_labeled, boundary):
        noise: Any = self.adversarial_noise
        loss_of = per_example_loss(self.loss)
        linearized = {"losses": lambda logits: loss_of(y, logits), "num_labeled": num_labeled}
        return noise.at_clean_pass(
            self.rungs, self.level_shapes, inputs, boundary, seed=self.seed_generator, **linearized
        )

    def _costs(self, z: Sequence[Tensor], estimates: dict[int, Tensor], moments: Sequence[Any]) -> dict[int, Tensor]:
        """`{level: cost}` of the levels whose cost has a weight."""
        costly = [level for level, weight in enumerate(self.denoising_weights) if weight]
        return {level: self.decoder.cost(level, z[level], estimates[level], moments[level]) for level in costly}

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, serialized."""
        return {
            **super().get_config(),
            "denoising_weights": self.denoising_weights,
            "combinators": self.combinators,
            "noise_std": self.noise_std,
            "adversarial_noise": keras.saving.serialize_keras_object(self.adversarial_noise),
            "statistics_of": self.statistics_of,
        }
