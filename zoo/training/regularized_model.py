"""Any Keras network, trained with a regularizer."""

import contextlib

import keras
from keras import ops

from zoo.backend.derivatives import linearize
from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.regularizer import Regularizer
from zoo.training.lazy_terms import LazyTerms
from zoo.training.objective_model import ObjectiveModel
from zoo.training.outputs import check_outputs, outputs_of, per_example_loss
from zoo.training.statistics import second_derivatives


@keras.saving.register_keras_serializable(package="zoo")
class RegularizedModel(LazyTerms, ObjectiveModel):
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
        self.num_steps = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False, name="steps")
        terms = regularizer.terms if regularizer is not None else ()
        for term in terms:
            same = sum(metric.name.split(":")[0] == term.metric_name for metric in self.penalty_metrics)
            name = f"{term.metric_name}:{same + 1}" if same else term.metric_name
            self.penalty_metrics.append(keras.metrics.Mean(name=name))

    def build(self, input_shape):
        super().build(input_shape)
        terms = self.regularizer.terms if self.regularizer is not None else ()
        moving = [term for term in terms if term.moves_inputs]
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

    def _passes(self, inputs, kind, to_logits):
        """The clean pass and the function for perturbed ones.

        All of them start from the state as it is now, random state included: so perturbed passes see the clean
        pass's dropout masks.
        """
        # Copies: on TensorFlow a variable's value is the variable itself, which is about to change.
        state = [(v, v.value if v.trainable else ops.copy(v.value)) for v in self.network.variables]
        derived = any(term.needs_input_derivatives for term, _ in self.active_terms())

        def run(inputs, weights=()):
            scope = keras.StatelessScope(state_mapping=[*state, *weights], collect_losses=True)
            with scope, second_derivatives(self.network) if derived else contextlib.nullcontext():
                before = [scope.get_current_value(v) for v in self.network.trainable_variables]
                outputs = self.call_network(inputs, training=True)
            for variable, value in zip(self.network.trainable_variables, before, strict=True):
                if scope.get_current_value(variable) is not value:
                    raise ValueError(
                        f"The network assigns to its trainable variable {variable.path!r} while it trains, as "
                        "SpectralNormalization does; here only the optimizer may."
                    )
            updates = [scope.get_current_value(v) for v in self.network.non_trainable_variables]
            return to_logits(check_outputs(outputs, kind)), (updates, scope.losses)

        if derived:
            clean = linearize(run, inputs)
            logits, (updates, losses), products = clean.outputs, clean.aux, (clean.jvp, clean.vjp)
        else:
            logits, (updates, losses) = run(inputs)
            products = (None, None)
        for variable, value in zip(self.network.non_trainable_variables, updates, strict=True):
            variable.assign(value)
        return logits, losses, products, lambda inputs, weights=(): run(inputs, weights)[0]

    def objective(self, x, y, sample_weight=None):
        """The regularized loss of one batch; updates the state of the network.

        Args:
            x: inputs, or labeled and unlabeled ones.
            y: labels of the labeled inputs, as the loss takes them.
            sample_weight: `(num_labeled,)` or None; it weighs loss and penalties.

        Returns:
            The scalar loss and the network's outputs on the labeled inputs.
        """
        kind, to_logits, from_logits, _ = outputs_of(self.loss)
        loss_of = per_example_loss(self.loss)
        inputs, num_labeled = self.prepare(x)
        logits, added_losses, (jvp, vjp), forward = self._passes(inputs, kind, to_logits)
        y_pred = from_logits(logits[:num_labeled])
        # Weight penalties of the layers are in compute_loss; losses that layers added during the pass are not.
        loss = self.compute_loss(x, y, y_pred, sample_weight, training=True)
        loss = loss + sum(ops.sum(ops.cast(added, loss.dtype)) for added in added_losses)
        if self.active_terms():
            clean_pass = CleanPass(
                inputs=inputs,
                logits=logits,
                forward=forward,
                losses=lambda logits: loss_of(y, from_logits(logits)),
                num_labeled=num_labeled,
                sample_weight=sample_weight,
                jvp=jvp,
                vjp=vjp,
                variables=self.network.variables,
                compute_dtype=self.network.compute_dtype,
                seed=self.seed_generator,
            )
            loss = loss + self._penalties(clean_pass, loss.dtype)
        self.num_steps.assign(self.num_steps + 1)
        return loss, y_pred

    def _penalties(self, clean_pass, dtype):
        total = 0.0
        for term, metric in self.active_terms():
            penalty = ops.cast(term.penalty(clean_pass), dtype)
            metric.update_state(penalty)
            total = total + ops.cast(term.current_weight(self.num_steps.value), dtype) * penalty
        return total

    def get_config(self):
        return {**super().get_config(), "regularizer": keras.saving.serialize_keras_object(self.regularizer)}
