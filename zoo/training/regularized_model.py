"""Any Keras network, trained with a regularizer."""

import functools
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.backend.keras_internals import attach_masks
from zoo.backend.random_numbers import Seed
from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.regularizer import Regularizer
from zoo.training.heads import Head, only_label, put
from zoo.training.inputs import split_inputs
from zoo.training.losses import per_example_loss
from zoo.training.objective_model import ObjectiveModel
from zoo.training.outputs import MEANINGS
from zoo.training.passes import run_passes
from zoo.training.perturb_checks import check_moving
from zoo.validation import check_choice

Tensor = Any  # a tensor of the backend

PENALTY_INPUTS = ("all", "unlabeled")


def _rows(inputs, start, stop):
    return keras.tree.map_structure(lambda each: each[start:stop], inputs)


def _needs_labels(*logits):
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
    Only the clean pass updates the state of the network, such as moving averages. Penalties leave out masked positions
    of dense outputs, as the loss does.

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
        penalty_inputs: `"all"` (default), or `"unlabeled"`: penalties act on the unlabeled inputs alone, in a forward
            pass of their own with its own batch statistics. Moving averages then follow the labeled inputs. The VAT
            authors' program does so.
        seed: integer or `keras.random.SeedGenerator` for the random numbers of the penalties. None draws a seed, which
            `keras.utils.set_random_seed` fixes.
        output: name or position of the output that penalties look at, if the network has several. They use its loss.
        outputs: what this output is, if the loss does not say so: `"logits"` of classes; `"probabilities"` of classes,
            or of one binary unit; `"binary_logits"` or `"binary_probabilities"` of one unit, or of several that decide
            alone; `"multilabel_logits"`; or `"values"` of a regression. None (default) asks the loss.
        **kwargs: arguments of `keras.Model`.

    Raises:
        TypeError: `regularizer` is not a `Regularizer`.
        ValueError: the network is a `RegularizedModel`, or mixes examples but not their labels; `outputs` or
            `penalty_inputs` is unknown. At the first batch: what penalties move are integers or indices; `perturb`
            names an unknown input or layer; movements find no lattice; there are no unlabeled inputs for
            `penalty_inputs`; or the network assigns to trainable variables.

    Source: perturbed word embeddings are those of Miyato, Dai, Goodfellow, 2017, "Adversarial training methods for
    semi-supervised text classification", https://arxiv.org/abs/1605.07725; they also normalize the embeddings, see
    `zoo.layers.NormalizedEmbedding`.

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
        penalty_inputs: str = "all",
        seed: Seed = None,
        output: Head = None,
        outputs: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(network, preprocessing=preprocessing, seed=seed, **kwargs)
        self.head = output
        self.meaning = None if outputs is None else check_choice("outputs", outputs, MEANINGS)
        self.penalty_inputs = check_choice("penalty_inputs", penalty_inputs, PENALTY_INPUTS)
        if regularizer is not None and not isinstance(regularizer, Regularizer):
            raise TypeError(f"regularizer must be a zoo Regularizer or None, received {regularizer!r}.")
        self._regularizer, self.perturb = regularizer, perturb
        self.checked = False  # whether a batch has shown that penalties can move what they should
        for term in self.terms:
            same = sum(metric.name.split(":")[0] == term.metric_name for metric in self.penalty_metrics)
            name = f"{term.metric_name}:{same + 1}" if same else term.metric_name
            self.penalty_metrics.append(keras.metrics.Mean(name=name))
        self.regularizer_state = [variable for term in self.terms for variable in term.variables]

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
        every = zip(self.terms, self.penalty_metrics, active or [True] * len(self.terms), strict=True)
        terms = [(term, metric) for term, metric, on in every if on]
        linearized = any(term.needs_input_derivatives for term, _ in terms)
        apart = self.penalty_inputs == "unlabeled"
        of_loss = _rows(inputs, 0, num_labeled) if apart else inputs
        passes = run_passes(self, of_loss, self.outputs_of_loss(), linearized=linearized and not apart)
        y_pred = self._labeled_outputs(passes, num_labeled)
        # labeled_loss includes the weight penalties of the layers, but not the losses that layers add during a pass.
        loss = self.labeled_loss(x, y, y_pred, sample_weight)
        loss = loss + sum(ops.sum(ops.cast(added, loss.dtype)) for added in passes.losses)
        if terms:
            if apart:
                clean_pass = self._unlabeled_pass(x, _rows(inputs, num_labeled, None), linearized)
            else:
                clean_pass = self._labeled_pass(passes, y, y_pred, num_labeled, sample_weight)
            loss = loss + self._penalties(terms, clean_pass, loss.dtype)
        self.iterations.assign(self.iterations + 1)
        return loss, y_pred

    def _labeled_pass(self, passes, y, y_pred, num_labeled, sample_weight):
        """What regularizers see of the pass that the loss took, over labeled and unlabeled inputs."""
        loss_of, labels = per_example_loss(self.at_head(self.loss)), self.at_head(only_label(y, y_pred))
        mask = None if passes.mask is None else passes.mask[:num_labeled]

        def losses(logits):
            return loss_of(labels, passes.outputs.from_logits(logits), mask)

        targets_of = functools.partial(passes.outputs.targets, labels, passes.logits[:num_labeled])
        return self._clean_pass(passes, losses, targets_of, num_labeled, self.at_head(sample_weight))

    def _unlabeled_pass(self, x, inputs, linearized):
        """A pass over unlabeled inputs alone, which leaves the moving averages to the labeled ones."""
        if split_inputs(x)[1] is None:
            needed = "needs unlabeled inputs, received labeled ones only. Pass fit() a zoo.datasets.SemiSupervised"
            raise ValueError(f'penalty_inputs="unlabeled" {needed}, or remove penalty_inputs.')
        passes = run_passes(self, inputs, self.outputs_of_loss(), linearized=linearized, moves_averages=False)
        return self._clean_pass(passes, _needs_labels, _needs_labels, 0, None)

    def _clean_pass(self, passes, losses, targets_of, num_labeled, sample_weight):
        return CleanPass(
            inputs=passes.inputs,
            logits=passes.logits,
            forward=passes.forward,
            predict=passes.predict,
            losses=losses,
            targets_of=targets_of,
            num_labeled=num_labeled,
            distribution=passes.outputs.distribution,
            sample_weight=sample_weight,
            jvp=passes.jvp,
            vjp=passes.vjp,
            variables=self.network.variables,
            compute_dtype=self.network.compute_dtype,
            seed=self.seed_generator,
            moved=passes.perturbed.moved,
            mask=passes.mask,
        )

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
            term.update(penalty)
        return total

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, serialized."""
        serialize = keras.saving.serialize_keras_object
        chosen = {"perturb": serialize(self.perturb), "output": self.head, "outputs": self.meaning}
        return {
            **super().get_config(),
            "regularizer": serialize(self.regularizer),
            "penalty_inputs": self.penalty_inputs,
            **{name: value for name, value in chosen.items() if value is not None},
        }
