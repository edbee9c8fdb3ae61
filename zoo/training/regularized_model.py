"""Any Keras network, trained with a regularizer."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from zoo.backend.derivatives import linearize
from zoo.backend.keras_internals import attach_masks, masks_of
from zoo.backend.moments import exact_moments
from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.regularizer import Regularizer
from zoo.training.heads import Head, only_label, put
from zoo.training.input_checks import check_moving, check_reached, check_terms
from zoo.training.losses import per_example_loss
from zoo.training.objective_model import ObjectiveModel
from zoo.training.outputs import Outputs, check_meaning, check_outputs
from zoo.training.perturbed_inputs import WholeInput
from zoo.training.perturbed_layers import perturbed_tensor

Tensor = Any  # a tensor of the backend


class Passes(NamedTuple):
    """The clean pass, and the function that runs perturbed passes.

    Attributes:
        perturbed: how the tensor that penalties move is put together.
        inputs: this tensor in the clean pass, `(n, ...)`.
        logits: logits of the clean pass, `(n, k)`, or `(n, ..., k)` for dense outputs.
        found: outputs of the network in the clean pass, of all heads.
        masks: their masks, see `masks_of`.
        outputs: meaning of the head that penalties look at, with its number of units.
        losses: scalars that layers added during the clean pass.
        jvp: `tangents -> J·tangents`, with the Jacobian J of the logits in the tensor; or None.
        vjp: `cotangents -> Jᵀ·cotangents`, or None.
        forward: `(inputs, weights=()) -> logits` of a perturbed pass.

    Example:
        >>> from zoo.training.regularized_model import Passes
        >>> from zoo.training.perturbed_inputs import WholeInput
        >>> x = np.zeros((2, 3))
        >>> Passes(WholeInput(x), x, x, None, [], None, [], None, None, lambda inputs, weights=(): inputs).jvp is None
        True
    """

    perturbed: WholeInput
    inputs: Tensor
    logits: Tensor
    found: Any
    masks: list[Any]
    outputs: Any
    losses: list[Tensor]
    jvp: Callable | None
    vjp: Callable | None
    forward: Callable


def run_passes(model: Any, inputs: Any, outputs: Outputs, *, linearized: bool) -> Passes:
    """Runs the clean pass, which updates the state of the network.

    All passes start from the current state, which includes the state of random generators. Perturbed passes therefore
    see the dropout masks of the clean pass. Only the clean pass updates moving averages and random state.

    Args:
        model: `RegularizedModel`.
        inputs: the inputs of the network, preprocessed: `(n, ...)`, or a dictionary, list or tuple of them.
        outputs: meaning of the output that penalties look at.
        linearized: whether products with the Jacobian are needed.

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

    perturbed = perturbed_tensor(model.perturb, network, inputs)

    def run(tensor, weights=()):
        exact = exact_moments(network) if linearized else contextlib.nullcontext()
        scope = keras.StatelessScope(state_mapping=[*state, *weights], collect_losses=True)
        with scope, exact, perturbed.placed(tensor) as network_inputs:
            before = [scope.get_current_value(v) for v in network.trainable_variables]
            found = model.call_network(network_inputs, training=True)
        _check_unassigned(network, scope, before)
        updates = [scope.get_current_value(v) for v in network.non_trainable_variables]
        head = model.at_head(found)
        meaning = outputs.of_units(head.shape[-1])
        return meaning.to_logits(check_outputs(head, meaning.kind)), (updates, scope.losses, found, masks_of(found))

    jvp = vjp = None
    tensor = perturbed.tensor(run)
    if not model.checked and any(term.moves_inputs for term in model.terms):
        check_reached(network, perturbed, lambda *parts: run(list(parts))[0])
        model.checked = True
    if linearized:
        logits, (updates, losses, found, masks), jvp, vjp = linearize(run, tensor)
    else:
        logits, (updates, losses, found, masks) = run(tensor)
    for variable, value in zip(network.non_trainable_variables, updates, strict=True):
        variable.assign(value)
    meaning = outputs.of_units(model.at_head(found).shape[-1])

    def forward(tensor, weights=()):
        return run(tensor, weights)[0]

    return Passes(perturbed, tensor, logits, found, masks, meaning, losses, jvp, vjp, forward)


def _check_unassigned(network, scope, before):
    for variable, value in zip(network.trainable_variables, before, strict=True):
        if scope.get_current_value(variable) is not value:
            raise ValueError(
                f"The network assigns to its trainable variable {variable.path!r} during training, as "
                "SpectralNormalization does. Only the optimizer may assign to trainable variables."
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
        network: any `keras.Model` or layer. Its output of shape `(batch, units)`, or `(batch, ..., units)` for dense
            outputs such as the classes of pixels, has logits or probabilities (as the loss's `from_logits` says), or
            values for regression. It may have several outputs. It takes one tensor, or several in a dictionary, list or
            tuple.
        regularizer: a `Regularizer`, a sum of several, or None for the plain loss.
        preprocessing: a Keras layer that runs before the network, or None: scaling, whitening, augmentation.
            Perturbations are in units of its output, and no gradient runs through it.
        perturb: what penalties move, as one tensor per example, with one norm. None moves the input, or all
            floating-point inputs together; integers and strings among several inputs stay. `{name: scale}` moves the
            named inputs, each `scale` times as far, and no others. A scale is a number or an array that broadcasts to
            one example; an array alone is for a single input. Where it is 0, inputs stay exactly as they are. A name or
            a list of names stands for layers, at any depth: penalties then move what these layers return, such as word
            embeddings, but not at positions that a mask excludes.
        seed: integer or `keras.random.SeedGenerator` for the random numbers of the penalties. None draws a seed, which
            `keras.utils.set_random_seed` fixes.
        output: name or position of the output that penalties look at, if the network has several. Keras's losses and
            `loss_weights` apply to all outputs; penalties have their own weights and use this output's loss.
        outputs: what this output is, if the loss does not say so: `"logits"` of classes, `"probabilities"` (of classes,
            or of one binary unit), `"binary_logits"` (one unit), `"multilabel_logits"` (each unit decides alone) or
            `"values"` of a regression. None (default) asks the loss.
        **kwargs: arguments of `keras.Model`.

    Raises:
        TypeError: `regularizer` is not a `Regularizer`.
        ValueError: the network is a `RegularizedModel`, or mixes examples but not their labels; `outputs` is
            unknown. At the first batch: what penalties move are integers or indices; `perturb` names an unknown input
            or layer; movements find no lattice; or the network assigns to trainable variables.

    Source: perturbed word embeddings are those of Miyato, Dai, Goodfellow, 2017, "Adversarial training methods for
    semi-supervised text classification", https://arxiv.org/abs/1605.07725, without their normalization.

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
        perturb: Any = None,
        seed: Any = None,
        output: Head = None,
        outputs: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(network, preprocessing=preprocessing, seed=seed, **kwargs)
        self.head, self.meaning = output, check_meaning(outputs)
        if regularizer is not None and not isinstance(regularizer, Regularizer):
            raise TypeError(f"regularizer must be a zoo Regularizer or None, received {regularizer!r}.")
        self._regularizer = regularizer
        self.perturb = perturb
        self.checked = False  # whether the network depends on what penalties move
        for term in self.terms:
            same = sum(metric.name.split(":")[0] == term.metric_name for metric in self.penalty_metrics)
            name = f"{term.metric_name}:{same + 1}" if same else term.metric_name
            self.penalty_metrics.append(keras.metrics.Mean(name=name))

    @property
    def regularizer(self) -> Regularizer | None:
        """The regularizer, which is fixed: metrics and compiled steps belong to it."""
        return self._regularizer

    @regularizer.setter
    def regularizer(self, value: Any) -> None:
        raise AttributeError(
            f"The regularizer of a model is fixed, received {value!r}. Make another model around the same network; it "
            "shares the weights: RegularizedModel(model.network, regularizer)."
        )

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
        check_moving(self.network, self.terms, self.perturb)

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
        inputs, num_labeled = self.prepare(x)
        every = list(zip(self.terms, self.penalty_metrics, strict=True))
        terms = [pair for pair, on in zip(every, active or [True] * len(every), strict=True) if on]
        linearized = any(term.needs_input_derivatives for term, _ in terms)
        passes = run_passes(self, inputs, self.outputs_of_loss(), linearized=linearized)
        outputs = passes.outputs
        y_pred = self._labeled_outputs(passes, num_labeled)
        # labeled_loss includes the weight penalties of the layers, but not the losses that layers add during a pass.
        loss = self.labeled_loss(x, y, y_pred, sample_weight)
        loss = loss + sum(ops.sum(ops.cast(added, loss.dtype)) for added in passes.losses)
        if terms:
            loss_of, labels = per_example_loss(self.at_head(self.loss)), self.at_head(only_label(y, y_pred))
            clean_pass = CleanPass(
                inputs=passes.inputs,
                logits=passes.logits,
                forward=passes.forward,
                losses=lambda logits: loss_of(labels, outputs.from_logits(logits)),
                num_labeled=num_labeled,
                distribution=outputs.distribution,
                sample_weight=self.at_head(sample_weight),
                jvp=passes.jvp,
                vjp=passes.vjp,
                variables=self.network.variables,
                compute_dtype=self.network.compute_dtype,
                seed=self.seed_generator,
                moved=passes.perturbed.moved,
            )
            check_terms([term for term, _ in terms], passes.perturbed)
            loss = loss + self._penalties(terms, clean_pass, loss.dtype)
        self.iterations.assign(self.iterations + 1)
        return loss, y_pred

    def _labeled_outputs(self, passes, num_labeled):
        head = passes.outputs.from_logits(passes.logits[:num_labeled])
        found = keras.tree.map_structure(lambda each: each[:num_labeled], passes.found)
        return attach_masks(put(found, self.head, head, getattr(self, "output_names", ())), passes.masks)

    def _penalties(self, terms, clean_pass, dtype):
        total = 0.0
        for term, metric in terms:
            penalty = ops.cast(term.penalty(clean_pass), dtype)
            metric.update_state(penalty)
            total = total + ops.cast(term.current_weight(self.iterations.value), dtype) * penalty
        return total

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, serialized."""
        serialize = keras.saving.serialize_keras_object
        chosen = {"perturb": serialize(self.perturb), "output": self.head, "outputs": self.meaning}
        return {
            **super().get_config(),
            "regularizer": serialize(self.regularizer),
            **{name: value for name, value in chosen.items() if value is not None},
        }
