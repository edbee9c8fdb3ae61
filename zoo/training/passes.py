"""The clean pass of a training step with its linearization, and the perturbed passes."""

import contextlib
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops

from zoo.backend.derivatives import linearize
from zoo.backend.keras_internals import is_random_state, masks_of
from zoo.backend.moments import exact_moments
from zoo.regularizers.math.per_example import position_mask
from zoo.training.outputs import Outputs, check_outputs
from zoo.training.perturb_checks import check_reached, check_terms
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
        mask: that of the positions of the head that penalties look at, see `position_mask`.
        outputs: meaning of the head that penalties look at, with its number of units.
        losses: scalars that layers added during the clean pass.
        jvp: `tangents -> J·tangents`, with the Jacobian J of the logits in the tensor; or None.
        vjp: `cotangents -> Jᵀ·cotangents`, or None.
        forward: `(inputs, weights=()) -> logits` of a perturbed pass.
        predict: the same in prediction mode.

    Example:
        >>> from zoo.training.passes import Passes
        >>> from zoo.training.perturbed_inputs import WholeInput
        >>> x = np.zeros((2, 3))
        >>> passes = Passes(WholeInput(x), x, x, None, [], None, None, [], None, None, *2 * [lambda x, weights=(): x])
        >>> passes.jvp is None
        True
    """

    perturbed: WholeInput
    inputs: Tensor
    logits: Tensor
    found: Any
    masks: list[Any]
    mask: Tensor | None
    outputs: Any
    losses: list[Tensor]
    jvp: Callable | None
    vjp: Callable | None
    forward: Callable
    predict: Callable


def run_passes(model: Any, inputs: Any, outputs: Outputs, *, linearized: bool, moves_averages: bool = True) -> Passes:
    """Runs the clean pass, which updates the state of the network.

    All passes start from the current state, which includes the state of random generators. Perturbed passes therefore
    see the dropout masks of the clean pass. Only the clean pass updates moving averages and random state.

    Args:
        model: `RegularizedModel`.
        inputs: the inputs of the network, preprocessed: `(n, ...)`, or a dictionary, list or tuple of them.
        outputs: meaning of the output that penalties look at.
        linearized: whether products with the Jacobian are needed.
        moves_averages: whether the clean pass updates moving averages. It always updates random state.

    Returns:
        The passes.

    Raises:
        ValueError: the network assigns to trainable variables.

    Example:
        >>> from zoo.training.outputs import outputs_of
        >>> from zoo.training.passes import run_passes
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((4,), 3, hidden_units=()))
        >>> outputs = outputs_of("sparse_categorical_crossentropy")
        >>> run_passes(model, keras.ops.zeros((2, 4)), outputs, linearized=True).logits.shape.as_list()
        [2, 3]
    """
    network = model.network
    perturbed = perturbed_tensor(model.perturb, network, inputs)
    # Copies: on TensorFlow a variable's value is the variable itself, which is about to change.
    state = [(v, v.value if v.trainable else ops.copy(v.value)) for v in network.variables]
    run = functools.partial(_run, model, outputs, perturbed, state, linearized)

    def logits_of(tensor, weights=(), training=True):
        return run(tensor, weights, training)[0]

    tensor = perturbed.tensor(run)
    if not model.checked:
        _check_first_batch(model, perturbed, logits_of)
    jvp = vjp = None
    if linearized:
        logits, (updates, losses, found, masks, mask), jvp, vjp = linearize(run, tensor)
    else:
        logits, (updates, losses, found, masks, mask) = run(tensor)
    for variable, value in zip(network.non_trainable_variables, updates, strict=True):
        if moves_averages or is_random_state(variable):
            variable.assign(value)
    meaning = outputs.of_units(model.at_head(found).shape[-1])
    predict = functools.partial(logits_of, training=False)
    return Passes(perturbed, tensor, logits, found, masks, mask, meaning, losses, jvp, vjp, logits_of, predict)


def _run(model, outputs, perturbed, state, linearized, tensor, weights=(), training=True):
    """Runs one pass from a given state. Returns the logits; and state updates, added losses, outputs and masks."""
    network = model.network
    exact = exact_moments(network) if linearized else contextlib.nullcontext()
    scope = keras.StatelessScope(state_mapping=[*state, *weights], collect_losses=True)
    with scope, exact, perturbed.placed(tensor) as network_inputs:
        before = [scope.get_current_value(v) for v in network.trainable_variables]
        found = model.call_network(network_inputs, training=training)
    _check_unassigned(network, scope, before)
    updates = [scope.get_current_value(v) for v in network.non_trainable_variables]
    head = model.at_head(found)
    meaning = outputs.of_units(head.shape[-1])
    aux = updates, scope.losses, found, masks_of(found), position_mask(head)  # tracing drops masks of tensors
    return meaning.to_logits(check_outputs(head, meaning.kind)), aux


def _check_first_batch(model, perturbed, logits_of):
    """Checks once, at the first batch, that the penalties can move what they should."""
    if any(term.moves_inputs for term in model.terms):
        check_reached(model.network, perturbed, lambda *parts: logits_of(list(parts)))
    check_terms(model.terms, perturbed)
    model.checked = True


def _check_unassigned(network, scope, before):
    for variable, value in zip(network.trainable_variables, before, strict=True):
        if scope.get_current_value(variable) is not value:
            raise ValueError(
                f"The network assigns to its trainable variable {variable.path!r} during training, as "
                "SpectralNormalization does. Only the optimizer may assign to trainable variables."
            )
