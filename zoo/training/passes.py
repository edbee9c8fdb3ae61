"""The clean pass of a batch through a network in training mode, and perturbed passes from the same state."""

import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops

from zoo.backend.derivatives import linearize
from zoo.training.outputs import Outputs, check_outputs
from zoo.training.statistics import second_derivatives

Tensor = Any  # a tensor of the backend


class Passes(NamedTuple):
    """The clean pass, and the function that runs perturbed passes.

    Attributes:
        logits: logits of the clean pass, `(n, k)`.
        losses: scalars that layers added during the clean pass.
        jvp: `tangents -> J·tangents`, with the Jacobian J of the logits in the inputs; or None.
        vjp: `cotangents -> Jᵀ·cotangents`, or None.
        forward: `(inputs, weights=()) -> logits` of a perturbed pass.

    Example:
        >>> from zoo.training.passes import Passes
        >>> Passes(np.zeros((2, 3)), [], None, None, lambda inputs, weights=(): inputs).jvp is None
        True
    """

    logits: Tensor
    losses: list[Tensor]
    jvp: Callable | None
    vjp: Callable | None
    forward: Callable


def run_passes(model: Any, inputs: Tensor, outputs: Outputs, *, linearized: bool) -> Passes:
    """Runs the clean pass, which updates the state of the network.

    All passes start from the current state, which includes the state of random generators. Perturbed passes therefore
    see the dropout masks of the clean pass. Only the clean pass updates moving averages and random state.

    Args:
        model: `ObjectiveModel`.
        inputs: `(n, ...)`, preprocessed.
        outputs: meaning of the network's outputs.
        linearized: whether products with the Jacobian are needed.

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
    # Copies: on TensorFlow a variable's value is the variable itself, which is about to change.
    state = [(v, v.value if v.trainable else ops.copy(v.value)) for v in network.variables]

    def run(inputs, weights=()):
        exact = second_derivatives(network) if linearized else contextlib.nullcontext()
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
        variable.assign(value)
    return Passes(logits, losses, jvp, vjp, lambda inputs, weights=(): run(inputs, weights)[0])


def _check_unassigned(network, scope, before):
    for variable, value in zip(network.trainable_variables, before, strict=True):
        if scope.get_current_value(variable) is not value:
            raise ValueError(
                f"The network assigns to its trainable variable {variable.path!r} during training, as "
                "SpectralNormalization does. Only the optimizer may assign to trainable variables."
            )
