"""Any Keras network, trained with a regulariser."""

import keras
from keras import ops

from zoo.autodiff import linearize
from zoo.datasets.batches import Batches, SemiSupervised
from zoo.regularizers.base import Regularizer
from zoo.regularizers.clean_pass import CleanPass
from zoo.training.checks import check_arrays
from zoo.training.outputs import check_outputs, outputs_of, per_example_loss

if keras.backend.backend() == "jax":
    from zoo.training.jax_step import TrainStep
else:
    from zoo.training.tensorflow_step import TrainStep


def split_inputs(x):
    """The labelled and the unlabelled inputs of a batch; None where there are none of the latter."""
    if isinstance(x, dict) and set(x) == {"labeled", "unlabeled"}:
        return x["labeled"], x["unlabeled"]
    return x, None


def num_units(network):
    """The number of classes among which a network decides; None where it does not tell yet or has no such output."""
    shape = getattr(network, "output_shape", None) if network.built else None
    units = shape[-1] if isinstance(shape, tuple) else None
    return units if isinstance(units, int) and units > 1 else None


@keras.saving.register_keras_serializable(package="zoo")
class RegularizedModel(TrainStep, keras.Model):
    """A network that trains on its loss plus a regulariser, and otherwise is the network.

    Train it by `fit` on arrays, `tf.data` or `PyDataset`s of `(x, y)` or `(x, y, sample_weight)`, or on a
    `zoo.datasets.SemiSupervised`, whose inputs are `{"labeled": ..., "unlabeled": ...}`. Loss and penalties share one
    forward pass over labelled and unlabelled inputs together, and one linearisation of it. Each penalty is reported
    under its own name, before its weight.

    Perturbed passes use the batch statistics of their own inputs and the dropout masks and noise of the clean pass,
    and leave moving averages alone: only the clean pass updates the network's state.

    Args:
        network: any `keras.Model` or layer with one input tensor and one output of shape `(batch, units)`: logits or
            probabilities (as the loss's `from_logits` says), or values for regression.
        regularizer: a `Regularizer`, several of them added up, or None for the plain loss.
        preprocessing: a Keras layer that comes before the network: scaling, whitening, augmentation. Perturbations
            are in its output's units, and no gradient runs through it.
        seed: integer from which the penalties' random numbers are drawn; None takes one from Keras's global state.

    Raises:
        TypeError: `regularizer` is no `Regularizer`.
    """

    def __init__(self, network, regularizer=None, *, preprocessing=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        if regularizer is not None and not isinstance(regularizer, Regularizer):
            raise TypeError(f"regularizer must be a zoo Regularizer or None, received {regularizer!r}.")
        self.network = network
        self.regularizer = regularizer
        self.preprocessing = preprocessing
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.num_steps = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False, name="steps")
        terms = regularizer.terms if regularizer is not None else ()
        self.raw_input_shape = None
        self.penalty_metrics = []
        for term in terms:
            same = sum(metric.name.split(":")[0] == term.metric_name for metric in self.penalty_metrics)
            name = f"{term.metric_name}:{same + 1}" if same else term.metric_name
            self.penalty_metrics.append(keras.metrics.Mean(name=name))

    def compile(self, *args, jit_compile="auto", **kwargs):
        """Keras's `compile`, but that `"auto"` means no XLA on TensorFlow.

        There XLA takes 2 times as long for penalties that draw noise for every input, and for convolutions on CPUs,
        and saves a tenth to a fifth elsewhere.
        """
        if jit_compile == "auto" and keras.backend.backend() == "tensorflow":
            jit_compile = False
        super().compile(*args, jit_compile=jit_compile, **kwargs)

    def compile_from_config(self, config):
        """Compiles a loaded model as it was; the backend that now runs chooses anew whether XLA compiles."""
        self.compile(**keras.saving.deserialize_keras_object({**config, "jit_compile": "auto"}))
        if self.built and self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)

    def build(self, input_shape):
        self.raw_input_shape = tuple(split_inputs(input_shape)[0][1:])
        inputs = keras.KerasTensor((None, *self.raw_input_shape))
        if self.preprocessing is not None:
            inputs = self.preprocessing(inputs)
        if not self.network.built:
            self.network(inputs)  # not its build(): only a call builds the layers inside any layer
        self.built = True

    def call(self, x, training=False):
        inputs, _ = split_inputs(x)
        if self.preprocessing is not None:
            inputs = self.preprocessing(inputs, training=training)
        outputs = self.call_network(inputs, training)
        if self.compiled and self.loss is not None:
            check_outputs(outputs, outputs_of(self.loss).kind)  # before the loss fails on them
        return outputs

    def call_network(self, inputs, training):
        """The network in the given mode; networks whose `call` knows no modes are called without."""
        return self.network(inputs, training=training) if self.network._call_has_training_arg else self.network(inputs)

    def fit(self, x=None, y=None, *args, **kwargs):
        """Keras's `fit`; arrays are checked first, and the zoo's own batches keep their order.

        Raises:
            ValueError: NaN or infinite inputs; labels out of range, of another length, or no integers where the loss
                wants class indices; in `validation_data` too.
        """
        outputs = outputs_of(self.loss) if self.compiled else None
        num_classes = num_units(self.network)
        pairs = {"training": (x, y)}
        if isinstance(x, (Batches, SemiSupervised)):
            pairs = {"training": (x.x, x.y)}
            kwargs.setdefault("shuffle", False)
        if isinstance(kwargs.get("validation_data"), (tuple, list)):
            pairs["validation"] = kwargs["validation_data"][:2]
        for role, (inputs, labels) in pairs.items():
            check_arrays(role, inputs, labels, outputs, num_classes)
        return super().fit(x, y, *args, **kwargs)

    def _prepare(self, x):
        """Inputs ready for the network, labelled first, and the number of the labelled ones."""
        labeled, unlabeled = split_inputs(x)
        inputs = labeled if unlabeled is None else ops.concatenate([labeled, unlabeled])
        if self.preprocessing is not None:
            inputs = self.preprocessing(inputs, training=True)
        if keras.backend.is_int_dtype(inputs.dtype):
            inputs = ops.cast(inputs, keras.config.floatx())  # integers have no derivatives
        return ops.stop_gradient(inputs), ops.shape(labeled)[0]

    def _passes(self, inputs, kind, to_logits):
        """The clean pass and the function for perturbed ones.

        All of them start from the state as it is now, random state included: so perturbed passes see the clean
        pass's dropout masks.
        """
        # Copies: on TensorFlow a variable's value is the variable itself, which is about to change.
        state = [(v, v.value if v.trainable else ops.copy(v.value)) for v in self.network.variables]

        def run(inputs, weights=()):
            with keras.StatelessScope(state_mapping=[*state, *weights], collect_losses=True) as scope:
                outputs = self.call_network(inputs, training=True)
            updates = [scope.get_current_value(v) for v in self.network.non_trainable_variables]
            return to_logits(check_outputs(outputs, kind)), (updates, scope.losses)

        differentiate = self.regularizer is not None and self.regularizer.needs_input_derivatives
        if differentiate:
            clean = linearize(run, inputs)
            logits, (updates, losses), products = clean.outputs, clean.aux, (clean.jvp, clean.vjp)
        else:
            logits, (updates, losses) = run(inputs)
            products = (None, None)
        for variable, value in zip(self.network.non_trainable_variables, updates, strict=True):
            variable.assign(value)
        return logits, losses, products, lambda inputs, weights=(): run(inputs, weights)[0]

    def objective(self, x, y, sample_weight=None):
        """The regularised loss of one batch; updates the state of the network.

        Args:
            x: inputs, or labelled and unlabelled ones.
            y: labels of the labelled inputs, as the loss takes them.
            sample_weight: `(num_labeled,)` or None; it weighs loss and penalties.

        Returns:
            The scalar loss and the network's outputs on the labelled inputs.
        """
        kind, to_logits, from_logits, _ = outputs_of(self.loss)
        loss_of = per_example_loss(self.loss)
        inputs, num_labeled = self._prepare(x)
        logits, added_losses, (jvp, vjp), forward = self._passes(inputs, kind, to_logits)
        y_pred = from_logits(logits[:num_labeled])
        # Weight penalties of the layers are in compute_loss; losses that layers added during the pass are not.
        loss = self.compute_loss(x, y, y_pred, sample_weight, training=True)
        loss = loss + sum(ops.sum(ops.cast(added, loss.dtype)) for added in added_losses)
        if self.regularizer is not None:
            clean_pass = CleanPass(
                inputs=inputs,
                logits=logits,
                forward=forward,
                losses=lambda logits: loss_of(y, from_logits(logits)),
                num_labeled=num_labeled,
                sample_weight=sample_weight,
                jvp=jvp,
                vjp=vjp,
                variables=self.network.trainable_variables,
                compute_dtype=self.network.compute_dtype,
                seed=self.seed_generator,
            )
            loss = loss + self._penalties(clean_pass, loss.dtype)
        self.num_steps.assign(self.num_steps + 1)
        return loss, y_pred

    def _penalties(self, clean_pass, dtype):
        total = 0.0
        for term, metric in zip(self.regularizer.terms, self.penalty_metrics, strict=True):
            penalty = ops.cast(term.penalty(clean_pass), dtype)
            metric.update_state(penalty)
            total = total + ops.cast(term.current_weight(self.num_steps.value), dtype) * penalty
        return total

    def without_training_metrics(self, logs):
        """Logs of an evaluation, in which no penalty was computed."""
        penalties = {metric.name for metric in self.penalty_metrics}
        return {name: value for name, value in logs.items() if name not in penalties}

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "network": serialize(self.network),
            "regularizer": serialize(self.regularizer),
            "preprocessing": serialize(self.preprocessing),
            "seed": self.seed_generator.get_config()["seed"],
        }

    @classmethod
    def from_config(cls, config):
        parts = ("network", "regularizer", "preprocessing")
        return cls(**{k: keras.saving.deserialize_keras_object(v) if k in parts else v for k, v in config.items()})
