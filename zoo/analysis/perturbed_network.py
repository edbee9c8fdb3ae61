"""A network at a batch of inputs, as a function of the one tensor that attacks and penalties move."""

import weakref
from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from zoo.analysis.logits import Prediction, parts_of
from zoo.datasets.arrays import as_inputs, take_rows
from zoo.training.inputs import as_network_inputs, declared_inputs, named_inputs, unwrap
from zoo.training.perturb_checks import check_floating, check_reached, may_cut
from zoo.training.perturbed_inputs import JointInputs
from zoo.training.perturbed_layers import LayerOutputs, layer_names, perturbed_tensor

Tensor = Any  # a tensor of the backend, or a NumPy array


_CHECKED: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # what is known to reach the logits, by network


def _answered(network: Any) -> list[tuple[Any, Any]]:
    """The pairs `(perturb, output)` for which a network is checked, here or by training."""
    by_training = [(network.perturb, network.head)] if getattr(network, "checked", False) else []
    return [*by_training, *_CHECKED.get(network, ())]


def _is_one_of(question: tuple[Any, Any], answered: list[tuple[Any, Any]]) -> bool:
    return any(question[0] is perturb and question[1] == output for perturb, output in answered)


def _naming(classifier: Any, inputs: Any) -> Any:
    """The network whose names of inputs `perturb` takes: that of a model, if its preprocessing has other names.

    Raises:
        ValueError: `perturb` names inputs that a preprocessing makes of several others.
    """
    entry, (network, _) = classifier.entry, parts_of(classifier.network)
    perturb = classifier.perturb
    if network is classifier.network or not isinstance(perturb, Mapping):
        return entry
    if set(perturb) <= set(named_inputs(entry, inputs)):
        return entry
    if keras.tree.is_nested(inputs) or len(declared_inputs(network)) != 1:
        raise ValueError(
            f"perturb= names inputs of the network, {list(perturb)}, but the preprocessing takes others, "
            f"{list(named_inputs(entry, inputs))}. Measure model.network on preprocessed inputs, or pass "
            "zoo.analysis.Classifier(model, perturb=...) with names of these."
        )
    return network


class PerturbedNetwork:
    """A network at a batch of inputs, as a function of the one tensor that attacks and penalties move.

    The tensor is put together as in training, see `perturb` of `RegularizedModel`.

    Args:
        classifier: `Classifier`.
        inputs: as the network takes them: `(n, ...)`, or several in a dictionary, list or tuple.

    Attributes:
        single: the inputs as they came, or the one input in them.
        tensor: the tensor at the inputs, `(n, ...)`.
        naming: the network that names the inputs.
        perturbed: how the tensor is put together, see `zoo.training.perturbed_inputs`.

    Raises:
        ValueError: nothing moves: the inputs are integers or strings.

    Example:
        >>> network = zoo.analysis.Classifier(lambda x: x["a"] * x["b"], perturb={"a": 1.0})
        >>> at = network.at({"a": np.ones((1, 2)), "b": np.full((1, 2), 3.0)})
        >>> np.asarray(at.predict(at.tensor + 1.0).logits)
        array([[6., 6.]])
        >>> np.asarray(at.restored(at.tensor + 1.0)["a"])
        array([[2., 2.]])
    """

    def __init__(self, classifier: Any, inputs: Any):
        self.classifier = classifier
        self.received = as_inputs(inputs)
        entry = classifier.entry
        self.single = unwrap(entry, self.received)
        tensors = keras.tree.map_structure(ops.convert_to_tensor, self.single)
        names = layer_names(classifier.perturb)
        self.inputs = as_network_inputs(entry, tensors, keep_integers=bool(names), keep_double=True)
        self.naming = classifier.network if names else _naming(classifier, self.inputs)
        self.perturbed = perturbed_tensor(classifier.perturb, self.naming, self.inputs)
        self.tensor = self.perturbed.tensor(lambda tensor: self.predict(tensor).logits)
        check_floating(classifier.network, self.perturbed)

    @property
    def moves_layers(self) -> bool:
        """Whether the tensor is what layers return."""
        return isinstance(self.perturbed, LayerOutputs)

    @property
    def is_whole(self) -> bool:
        """Whether the tensor is the one input, as the network takes it."""
        return not isinstance(self.perturbed, (JointInputs, LayerOutputs))

    @property
    def moved(self) -> Tensor | None:
        """1 where the tensor moves and 0 elsewhere, such as at padding; None if it moves everywhere."""
        return self.perturbed.moved

    def predict(self, tensor: Tensor | list[Tensor] | None) -> Prediction:
        """The prediction with a tensor in place of the present one, or with a list of its parts; `(n, ..., k)`."""
        with self.perturbed.placed(tensor) as inputs:
            return self.classifier.predict(inputs)

    def check_reached(self, what: str = "measures") -> None:
        """Refuses inputs in which the prediction has no derivative, such as indices into an embedding.

        A network is checked once for what moves and the output that is measured.

        Args:
            what: what needs the derivative, for the message.

        Raises:
            ValueError: a part of the tensor has no derivative. The message says what to name.
        """
        network, question = self.classifier.network, (self.classifier.perturb, self.classifier.output)
        if not may_cut(network) or _is_one_of(question, _answered(network)):
            return
        first = PerturbedNetwork(self.classifier, take_rows(self.received, slice(0, 1)))
        check_reached(network, first.perturbed, lambda *parts: first.predict(list(parts)).logits, what)
        _CHECKED.setdefault(network, []).append(question)

    def restored(self, tensor: Tensor) -> Any:
        """The inputs with a tensor in place, in the structure and the shapes in which they came.

        Inputs that do not move are the very arrays that came. If the tensor is what layers return, it is the result
        itself.

        Args:
            tensor: `(n, ...)`.
        """
        if self.moves_layers:
            return tensor
        with self.perturbed.placed(tensor) as inputs:
            new = keras.tree.flatten(inputs)
        old, perturbed = keras.tree.flatten(self.single), self.perturbed
        moves = [name in perturbed.scales for name in perturbed.named] if isinstance(perturbed, JointInputs) else [True]
        leaves = [self._like(*pair) if moved else pair[0] for moved, *pair in zip(moves, old, new, strict=True)]
        if self.single is self.received:
            return keras.tree.pack_sequence_as(self.received, leaves)
        return keras.tree.map_structure(lambda each: leaves[0] if each is self.single else each, self.received)

    def _like(self, before, after):
        """A new value of an input in its shape, and among several also in its type: Keras takes no mixed ones."""
        after = after if tuple(after.shape) == tuple(before.shape) else ops.reshape(after, before.shape)
        if not keras.tree.is_nested(self.received):
            return after
        return ops.convert_to_tensor(after) if ops.is_tensor(before) else ops.convert_to_numpy(after)

    def bounds(self, input_range: Any) -> tuple[Any, Any] | None:
        """The range of the tensor.

        Args:
            input_range: `(low, high)` of the inputs that move, or `{name: (low, high)}`, or None.

        Returns:
            `(low, high)` in units of the tensor, numbers or arrays that broadcast to it; or None.

        Raises:
            ValueError: the tensor is what layers return, or a name is not that of an input that moves.
        """
        bounds = self.perturbed.bounds(input_range)
        if bounds is None or isinstance(bounds[0], float):
            return bounds
        low, high = (ops.convert_to_tensor(bound, self.tensor.dtype) for bound in bounds)
        return low, high
