"""Ladder networks, with Gaussian and with adversarial noise."""

import math

import keras
from keras import ops

from zoo.backend.derivatives import linearize
from zoo.backend.random_numbers import normal
from zoo.datasets.batches import SemiSupervised
from zoo.ladder.adversarial_noise import AdversarialNoise, split_levels
from zoo.ladder.decoder import Decoder
from zoo.ladder.encoder import encode, rungs_of
from zoo.ladder.levels import check_combinators, check_length, check_levels
from zoo.regularizers.linearized_pass import LinearizedPass
from zoo.training import ObjectiveModel, RegularizedModel
from zoo.training.arguments import split_inputs
from zoo.training.outputs import per_example_loss, returns_logits
from zoo.validation import check_number


@keras.saving.register_keras_serializable(package="zoo")
class LadderNetwork(ObjectiveModel):
    """A classifier that learns from labels and from denoising itself, layer by layer.

    `J = L(h̃, y) + Σ_l λ_l·C_l`: the cross-entropy of the corrupted path on labeled inputs, and on unlabeled ones
    the cost `C_l = mean ‖z^l − (ẑ^l − μ^l)/σ^l‖²` of the decoder's ẑ^l against the clean path's z^l, whose batch
    statistics before normalizing are μ^l and σ^l. Labeled and unlabeled rows are normalized by statistics of their
    own. Predictions are the clean path's, on moving averages of the unlabeled rows' statistics; training metrics are
    the corrupted path's.

    `fit` takes a `zoo.datasets.SemiSupervised`, or any data whose inputs are `{"labeled": ..., "unlabeled": ...}`;
    plain `(x, y)` serve as labeled and as unlabeled inputs both. Each cost is a metric, `denoising_<level>`.

    Args:
        network: the encoder, from `ladder_encoder`.
        denoising_weights: `λ_0 … λ_L`, each at least 0: 0 is the input, then the rungs upwards. All 0 trains the
            encoder alone; only the last above 0 is the Γ-model; only the first, the bottom-only ladder.
        combinators: g of every level: `"gauss"`, `"linear"`, `"identity"` or `"mlp"`, or a list of L + 1 of these and
            None, for no decoder. Levels below the lowest cost have none in any case.
        noise_std: standard deviation of the Gaussian noise on the corrupted input and every rung's z, one number or a
            list of L + 1.
        adversarial_noise: `AdversarialNoise` to add to it, or None.
        preprocessing: a Keras layer that comes before the network; noise is in its output's units.
        seed: integer from which the noise is drawn; None takes one from Keras's global state.

    Raises:
        TypeError: `network` is no ladder encoder, `adversarial_noise` no `AdversarialNoise`.
        ValueError: a list of the wrong length, a number out of range, an unknown combinator.

    Source: Rasmus et al. 2015, "Semi-supervised learning with ladder networks", algorithm 1; adversarial noise:
    Maroñas Molano 2016 (thesis).
    """

    def __init__(
        self,
        network,
        *,
        denoising_weights,
        combinators="gauss",
        noise_std=0.3,
        adversarial_noise=None,
        preprocessing=None,
        seed=None,
        **kwargs,
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
        self.noisy_shapes = {}
        if adversarial_noise is not None:
            self.noisy_shapes = {level: self.level_shapes[level] for level in adversarial_noise.strengths(num_levels)}
        self.decoder = Decoder(rungs, self.level_shapes, check_combinators(combinators, weights))
        costly = [level for level, weight in enumerate(weights) if weight]
        self.penalty_metrics = [keras.metrics.Mean(name=f"denoising_{level}") for level in costly]

    @property
    def rungs(self):
        """The encoder's layers, from the bottom to the top."""
        return rungs_of(self.network)

    def fit(self, x=None, y=None, *args, **kwargs):
        """Keras's `fit`; arrays are checked first, and the zoo's own batches keep their order.

        Raises:
            ValueError: as `RegularizedModel.fit`; and an unlabeled set smaller than the labeled one.
        """
        if isinstance(x, SemiSupervised) and len(x.x_unlabeled) < len(x.x):
            raise ValueError(
                f"The unlabeled set must be at least as large as the labeled one, received {len(x.x_unlabeled)} "
                f"unlabeled and {len(x.x)} labeled examples."
            )
        return super().fit(x, y, *args, **kwargs)

    def classifier(self):
        """The clean path as a compiled `RegularizedModel`, with the same weights: what is exported and published."""
        model = RegularizedModel(self.network, preprocessing=self.preprocessing, name="classifier")
        model.build((None, *self.raw_input_shape))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss, metrics=["accuracy"])
        return model

    def objective(self, x, y, sample_weight=None, active=None):
        """The ladder's cost of one batch; moves the averages of the encoder's statistics.

        Args:
            x: `{"labeled": ..., "unlabeled": ...}`, or inputs that are both.
            y: labels of the labeled inputs.
            sample_weight: `(num_labeled,)` or None; it weighs the cross-entropy.
            active: not used.

        Returns:
            The scalar cost and the corrupted path's logits of the labeled inputs.
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

    def gaussian_noise(self, level, z):
        """Noise for z of one level, or 0."""
        std = self.noise_std[level]
        return std * normal(z, self.seed_generator) if std else 0.0

    def passes(self, inputs, y, num_labeled, boundary, gaussian_noise):
        """Clean pass, corrupted pass and decoder.

        Args:
            inputs: z⁰, labeled rows first.
            y: labels of the labeled rows.
            num_labeled: how many rows have labels.
            boundary: where the unlabeled rows begin; None where all rows are unlabeled ones, too.
            gaussian_noise: `(level, z) -> noise`.

        Returns:
            The corrupted path's logits of all rows, and `{level: cost}`.
        """
        unlabeled = slice(boundary, None)
        if self.noisy_shapes:
            clean, noise = self._adversarial_pass(inputs, y, num_labeled, boundary)
            clean_z = [z[unlabeled] for z in clean.z]
        else:
            clean, noise = encode(self.rungs, inputs[unlabeled]), {}
            clean_z = clean.z
        for rung, moments in zip(self.rungs, clean.moments, strict=True):
            rung.update_statistics(*moments)
        if not self.penalty_metrics:  # without a cost the unlabeled rows have no part in the corrupted path
            inputs, boundary = inputs[:num_labeled], None
            noise = {level: each[:num_labeled] for level, each in noise.items()}
        corrupted = encode(
            self.rungs, inputs, boundary, lambda level, z: z + gaussian_noise(level, z) + noise.get(level, 0.0)
        )
        if not self.penalty_metrics:
            return corrupted.logits, {}
        estimates = self.decoder.denoise([z[unlabeled] for z in corrupted.z], corrupted.logits[unlabeled])
        moments = [None, *clean.moments]
        costs = {
            level: self.decoder.cost(level, clean_z[level], estimates[level], moments[level])
            for level, weight in enumerate(self.denoising_weights)
            if weight
        }
        return corrupted.logits, costs

    def _adversarial_pass(self, inputs, y, num_labeled, boundary):
        """The clean pass over all rows, and the adversarial noise at it."""

        def run(flat):
            noise = split_levels(flat, self.noisy_shapes)
            encoding = encode(self.rungs, inputs, boundary, lambda level, z: z + noise[level] if level in noise else z)
            return encoding.logits, encoding

        entries = sum(math.prod(shape) for shape in self.noisy_shapes.values())
        none = ops.zeros((ops.shape(inputs)[0], entries), inputs.dtype)
        clean = linearize(run, none)
        loss_of = per_example_loss(self.loss)
        linearized = LinearizedPass(
            inputs=none,
            logits=clean.outputs,
            losses=lambda logits: loss_of(y, logits),
            num_labeled=num_labeled,
            jvp=clean.jvp,
            vjp=clean.vjp,
            seed=self.seed_generator,
        )
        return clean.aux, self.adversarial_noise.draw(linearized, self.level_shapes)

    def get_config(self):
        return {
            **super().get_config(),
            "denoising_weights": self.denoising_weights,
            "combinators": self.combinators,
            "noise_std": self.noise_std,
            "adversarial_noise": keras.saving.serialize_keras_object(self.adversarial_noise),
        }
