"""Any Keras network, trained with a regularizer."""

import keras
from keras import ops

from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.regularizer import Regularizer
from zoo.training.objective_model import ObjectiveModel
from zoo.training.outputs import outputs_of, per_example_loss
from zoo.training.passes import run_passes


@keras.saving.register_keras_serializable(package="zoo")
class RegularizedModel(ObjectiveModel):
    """A network that trains on its loss plus a regularizer, and otherwise is the network.

    Train it by `fit` on arrays, `tf.data` or `PyDataset`s of `(x, y)` or `(x, y, sample_weight)`, or on a
    `zoo.datasets.SemiSupervised`, whose inputs are `{"labeled": ..., "unlabeled": ...}`. Loss and penalties share one
    forward pass over labeled and unlabeled inputs together, and one linearization of it. Each penalty is reported
    under its own name, before its weight.

    Perturbed passes use the batch statistics of their own inputs and the dropout masks and noise of the clean pass,
    and leave moving averages alone: only the clean pass updates the network's state. A `Masking` layer sees perturbed
    inputs, too: what a random perturbation fills is no longer masked.

    Args:
        network: any `keras.Model` or layer with one input tensor and one output of shape `(batch, units)`: logits or
            probabilities (as the loss's `from_logits` says), or values for regression.
        regularizer: a `Regularizer`, several of them added up, or None for the plain loss.
        preprocessing: a Keras layer that comes before the network: scaling, whitening, augmentation. Perturbations
            are in its output's units, and no gradient runs through it.
        seed: integer from which the penalties' random numbers are drawn; None takes one from Keras's global state.

    Raises:
        TypeError: `regularizer` is no `Regularizer`.
        ValueError: the network has several inputs, or integers or indices that a term would move; at the first batch,
            it assigns to trainable variables.
    """

    def __init__(self, network, regularizer=None, *, preprocessing=None, seed=None, **kwargs):
        super().__init__(network, preprocessing=preprocessing, seed=seed, **kwargs)
        if regularizer is not None and not isinstance(regularizer, Regularizer):
            raise TypeError(f"regularizer must be a zoo Regularizer or None, received {regularizer!r}.")
        self.regularizer = regularizer
        for term in self.terms:
            same = sum(metric.name.split(":")[0] == term.metric_name for metric in self.penalty_metrics)
            name = f"{term.metric_name}:{same + 1}" if same else term.metric_name
            self.penalty_metrics.append(keras.metrics.Mean(name=name))

    @property
    def terms(self) -> tuple[Regularizer, ...]:
        """The regularizers that the loss sums up."""
        return self.regularizer.terms if self.regularizer is not None else ()

    @property
    def intervals(self):
        return [term.interval for term in self.terms]

    def build(self, input_shape):
        super().build(input_shape)
        moving = [term for term in self.terms if term.moves_inputs]
        types = [tensor.dtype for tensor in getattr(self.network, "inputs", None) or ()]
        if moving and any(map(keras.backend.is_int_dtype, types)):
            raise ValueError(
                f"{type(moving[0]).__name__} moves the network's inputs, which cannot be integers, received a network "
                f"whose Input has dtype={types[0]!r}. Leave out the dtype, or pass layers such as Rescaling as "
                "preprocessing=."
            )
        layers = [each for each in getattr(self.network, "layers", ()) if not isinstance(each, keras.layers.InputLayer)]
        if moving and layers and isinstance(layers[0], keras.layers.Embedding):
            raise ValueError(
                f"{type(moving[0]).__name__} moves the network's inputs, which cannot be indices, received a network "
                f"that begins with the Embedding {layers[0].name!r}. Pass that as preprocessing=, trained before."
            )

    def objective(self, x, y, sample_weight=None, active=None):
        """The regularized loss of one batch; updates the state of the network.

        Args:
            x: inputs, or labeled and unlabeled ones.
            y: labels of the labeled inputs, as the loss takes them.
            sample_weight: `(num_labeled,)` or None; it weighs loss and penalties.
            active: for each term whether it takes part; None for all.

        Returns:
            The scalar loss and the network's outputs on the labeled inputs.
        """
        outputs = outputs_of(self.loss)
        inputs, num_labeled = self.prepare(x)
        every = list(zip(self.terms, self.penalty_metrics, strict=True))
        terms = [pair for pair, on in zip(every, active or [True] * len(every), strict=True) if on]
        linearized = any(term.needs_input_derivatives for term, _ in terms)
        passes = run_passes(self, inputs, outputs, linearized=linearized)
        y_pred = outputs.from_logits(passes.logits[:num_labeled])
        # Weight penalties of the layers are in labeled_loss; losses that layers added during the pass are not.
        loss = self.labeled_loss(x, y, y_pred, sample_weight)
        loss = loss + sum(ops.sum(ops.cast(added, loss.dtype)) for added in passes.losses)
        if terms:
            loss_of = per_example_loss(self.loss)
            clean_pass = CleanPass(
                inputs=inputs,
                logits=passes.logits,
                forward=passes.forward,
                losses=lambda logits: loss_of(y, outputs.from_logits(logits)),
                num_labeled=num_labeled,
                sample_weight=sample_weight,
                jvp=passes.jvp,
                vjp=passes.vjp,
                variables=self.network.variables,
                compute_dtype=self.network.compute_dtype,
                seed=self.seed_generator,
            )
            loss = loss + self._penalties(terms, clean_pass, loss.dtype)
        self.iterations.assign(self.iterations + 1)
        return loss, y_pred

    def _penalties(self, terms, clean_pass, dtype):
        total = 0.0
        for term, metric in terms:
            penalty = ops.cast(term.penalty(clean_pass), dtype)
            metric.update_state(penalty)
            total = total + ops.cast(term.current_weight(self.iterations.value), dtype) * penalty
        return total

    def get_config(self):
        return {**super().get_config(), "regularizer": keras.saving.serialize_keras_object(self.regularizer)}
