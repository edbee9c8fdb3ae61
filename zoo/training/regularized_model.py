"""Any Keras network, trained with a regularizer."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from zoo.backend.derivatives import linearize
from zoo.backend.keras_internals import is_random_state
from zoo.backend.moments import exact_moments
from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.regularizer import Regularizer
from zoo.training.arguments import split_inputs
from zoo.training.objective_model import ObjectiveModel
from zoo.training.outputs import Outputs, check_outputs, outputs_of, per_example_loss
from zoo.validation import check_choice

Tensor = Any  # a tensor of the backend

PENALTY_INPUTS = ("all", "unlabeled")


class Passes(NamedTuple):
    """The clean pass, and the function that runs perturbed passes.

    Attributes:
        logits: logits of the clean pass, `(n, k)`.
        losses: scalars that layers added during the clean pass.
        jvp: `tangents -> J·tangents`, with the Jacobian J of the logits in the inputs; or None.
        vjp: `cotangents -> Jᵀ·cotangents`, or None.
        forward: `(inputs, weights=()) -> logits` of a perturbed pass.

    Example:
        >>> from zoo.training.regularized_model import Passes
        >>> Passes(np.zeros((2, 3)), [], None, None, lambda inputs, weights=(): inputs).jvp is None
        True
    """

    logits: Tensor
    losses: list[Tensor]
    jvp: Callable | None
    vjp: Callable | None
    forward: Callable


def run_passes(
    model: Any, inputs: Tensor, outputs: Outputs, *, linearized: bool, moves_averages: bool = True
) -> Passes:
    """Runs the clean pass, which updates the state of the network.

    All passes start from the current state, which includes the state of random generators. Perturbed passes therefore
    see the dropout masks of the clean pass. Only the clean pass updates moving averages and random state.

    Args:
        model: `ObjectiveModel`.
        inputs: `(n, ...)`, preprocessed.
        outputs: meaning of the network's outputs.
        linearized: whether products with the Jacobian are needed.
        moves_averages: whether the clean pass updates moving averages. It always updates random state.

    Returns:
        The passes.

    Raises:
        ValueError: the network assigns to trainable variables.

    Example:
        >>> from zoo.training.outputs import outputs_of
        >>> from zoo.training.regularized_model import run_passes
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((4,), 3, hidden_units=()))
        >>> outputs = outputs_of("sparse_categorical_crossentropy")
        >>> run_passes(model, keras.ops.zeros((2, 4)), outputs, linearized=True).logits.shape.as_list()
        [2, 3]
    """
    network = model.network
    # Copies: on TensorFlow a variable's value is the variable itself, which is about to change.
    state = [(v, v.value if v.trainable else ops.copy(v.value)) for v in network.variables]

    def run(inputs, weights=()):
        exact = exact_moments(network) if linearized else contextlib.nullcontext()
        scope = keras.StatelessScope(state_mapping=[*state, *weights], collect_losses=True)
        with scope, exact:
            before = [scope.get_current_value(v) for v in network.trainable_variables]
            found = model.call_network(inputs, training=True)
        _check_unassigned(network, scope, before)
        updates = [scope.get_current_value(v) for v in network.non_trainable_variables]
        return outputs.to_logits(check_outputs(found, outputs.kind)), (updates, scope.losses)

    jvp = vjp = None
    if linearized:
        logits, (updates, losses), jvp, vjp = linearize(run, inputs)
    else:
        logits, (updates, losses) = run(inputs)
    for variable, value in zip(network.non_trainable_variables, updates, strict=True):
        if moves_averages or is_random_state(variable):
            variable.assign(value)
    return Passes(logits, losses, jvp, vjp, lambda inputs, weights=(): run(inputs, weights)[0])


def _check_unassigned(network, scope, before):
    for variable, value in zip(network.trainable_variables, before, strict=True):
        if scope.get_current_value(variable) is not value:
            raise ValueError(
                f"The network assigns to its trainable variable {variable.path!r} during training, as "
                "SpectralNormalization does. Only the optimizer may assign to trainable variables."
            )


def _check_unlabeled(x):
    if split_inputs(x)[1] is None:
        raise ValueError(
            'penalty_inputs="unlabeled" needs unlabeled inputs, received labeled ones only. Pass fit() a '
            "zoo.datasets.SemiSupervised, or remove penalty_inputs."
        )


def _needs_labels(y, outputs):
    raise ValueError(
        'A penalty that needs labels cannot act on unlabeled inputs alone, received penalty_inputs="unlabeled". Use a '
        "penalty without labels, such as VirtualAdversarialTraining, or virtual_labels=True."
    )


@keras.saving.register_keras_serializable(package="zoo")
class RegularizedModel(ObjectiveModel):
    """A network that trains on its loss plus a regularizer: `J = L(x, y) + Σ_i λ_i·R_i(x, y)`.

    In every other respect the model behaves as the network does. Train it by `fit` on arrays, `tf.data` or `PyDataset`s
    of `(x, y)` or `(x, y, sample_weight)`, or on a `zoo.datasets.SemiSupervised`, whose inputs are
    `{"labeled": ..., "unlabeled": ...}`. Loss and penalties share one forward pass over labeled and unlabeled inputs,
    and one linearization of it. Each penalty R_i is reported as a metric, before its weight λ_i.

    Perturbed passes use the batch statistics of their own inputs and the dropout masks and noise of the clean pass.
    Only the clean pass updates the state of the network, such as moving averages. A `Masking` layer also sees perturbed
    inputs: entries that a random perturbation fills are no longer masked.

    Args:
        network: any `keras.Model` or layer with one input tensor and one output of shape `(batch, units)`: logits or
            probabilities (as the loss's `from_logits` says), or values for regression.
        regularizer: a `Regularizer`, a sum of several, or None for the plain loss.
        preprocessing: a Keras layer that runs before the network, or None: scaling, whitening, augmentation.
            Perturbations are in units of its output, and no gradient runs through it.
        penalty_inputs: `"all"` (default), or `"unlabeled"`: penalties act on the unlabeled inputs alone, in a forward
            pass of their own with its own batch statistics. Moving averages then follow the labeled inputs. The VAT
            authors' program does so.
        seed: integer or `keras.random.SeedGenerator` for the random numbers of the penalties. None draws a seed, which
            `keras.utils.set_random_seed` fixes.
        **kwargs: arguments of `keras.Model`.

    Raises:
        TypeError: `regularizer` is not a `Regularizer`.
        ValueError: `penalty_inputs` is unknown, or a batch has no unlabeled inputs for it; the network has several
            inputs; its inputs are integers or indices, which a penalty cannot move; or,
            at the first batch, it assigns to trainable variables.

    Example:
        >>> network = zoo.networks.mlp((784,), num_classes=10, hidden_units=(8,))
        >>> model = zoo.RegularizedModel(network, zoo.VirtualAdversarialTraining(2.0) + zoo.EntropyMinimization())
        >>> model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
        >>> sorted(model.fit(np.zeros((8, 784)), np.zeros(8, "int32"), verbose=0).history)
        ['entropy', 'loss', 'vat']
    """

    def __init__(
        self,
        network: keras.Layer,
        regularizer: Regularizer | None = None,
        *,
        preprocessing: keras.Layer | None = None,
        penalty_inputs: str = "all",
        seed: Any = None,
        **kwargs: Any,
    ):
        super().__init__(network, preprocessing=preprocessing, seed=seed, **kwargs)
        self.penalty_inputs = check_choice("penalty_inputs", penalty_inputs, PENALTY_INPUTS)
        if regularizer is not None and not isinstance(regularizer, Regularizer):
            raise TypeError(f"regularizer must be a zoo Regularizer or None, received {regularizer!r}.")
        self.regularizer = regularizer
        for term in self.terms:
            same = sum(metric.name.split(":")[0] == term.metric_name for metric in self.penalty_metrics)
            name = f"{term.metric_name}:{same + 1}" if same else term.metric_name
            self.penalty_metrics.append(keras.metrics.Mean(name=name))

    @property
    def terms(self) -> tuple[Regularizer, ...]:
        """The regularizers whose penalties the loss adds up."""
        return self.regularizer.terms if self.regularizer is not None else ()

    @property
    def intervals(self) -> list[int]:
        """The interval of each term."""
        return [term.interval for term in self.terms]

    def build(self, input_shape: Any) -> None:
        """Builds preprocessing and network for raw inputs of a shape `(None, ...)`.

        Raises:
            ValueError: a penalty moves inputs that are integers or indices.
        """
        super().build(input_shape)
        moving = [term for term in self.terms if term.moves_inputs]
        types = [tensor.dtype for tensor in getattr(self.network, "inputs", None) or ()]
        if moving and any(map(keras.backend.is_int_dtype, types)):
            raise ValueError(
                f"{type(moving[0]).__name__} moves the network's inputs, so they cannot be integers, received a "
                f"network whose Input has dtype={types[0]!r}. Remove the dtype, or pass layers such as Rescaling as "
                "preprocessing=."
            )
        layers = [each for each in getattr(self.network, "layers", ()) if not isinstance(each, keras.layers.InputLayer)]
        if moving and layers and isinstance(layers[0], keras.layers.Embedding):
            raise ValueError(
                f"{type(moving[0]).__name__} moves the network's inputs, so they cannot be indices, received a network "
                f"that begins with the Embedding {layers[0].name!r}. Pass a trained Embedding as preprocessing=."
            )

    def objective(
        self, x: Any, y: Tensor, sample_weight: Tensor | None = None, active: Sequence[bool] | None = None
    ) -> tuple[Tensor, Tensor]:
        """The regularized loss of one batch. It updates the state of the network.

        Args:
            x: inputs, or labeled and unlabeled ones.
            y: labels of the labeled inputs, as the loss takes them.
            sample_weight: `(num_labeled,)` or None. It weights loss and penalties.
            active: for each term whether it takes part; None if all do.

        Returns:
            The scalar loss, and the outputs for the labeled inputs.
        """
        outputs = outputs_of(self.loss)
        inputs, num_labeled = self.prepare(x)
        every = list(zip(self.terms, self.penalty_metrics, strict=True))
        terms = [pair for pair, on in zip(every, active or [True] * len(every), strict=True) if on]
        linearized = any(term.needs_input_derivatives for term, _ in terms)
        apart = self.penalty_inputs == "unlabeled"
        clean_inputs = inputs[:num_labeled] if apart else inputs
        passes = run_passes(self, clean_inputs, outputs, linearized=linearized and not apart)
        y_pred = outputs.from_logits(passes.logits[:num_labeled])
        # labeled_loss includes the weight penalties of the layers, but not the losses that layers add during a pass.
        loss = self.labeled_loss(x, y, y_pred, sample_weight)
        loss = loss + sum(ops.sum(ops.cast(added, loss.dtype)) for added in passes.losses)
        if terms:
            loss_of = per_example_loss(self.loss)
            if apart:
                _check_unlabeled(x)
                inputs, num_labeled, sample_weight, loss_of = inputs[num_labeled:], 0, None, _needs_labels
                passes = run_passes(self, inputs, outputs, linearized=linearized, moves_averages=False)
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

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, serialized."""
        regularizer = keras.saving.serialize_keras_object(self.regularizer)
        return {**super().get_config(), "regularizer": regularizer, "penalty_inputs": self.penalty_inputs}
