"""Compiled parts of attacks: the prediction, and the loop over the steps."""

from collections.abc import Callable
from typing import Any

from keras import ops

from zoo.analysis.attacks.inputs import network_at
from zoo.analysis.logits import Prediction
from zoo.backend.programs import program_for
from zoo.regularizers.math import per_example

Tensor = Any  # a tensor of the backend, or a NumPy array
State = dict[str, Any]  # arrays `(n, ...)` by their names


def loop(network: Any, body: Callable[..., State]) -> Callable[..., State]:
    """Repeats a step of an attack for the examples that are active.

    Args:
        network: as attacks receive it.
        body: `(k, at, constants, state, *extras) -> changed entries of the state`, with the network `at` the inputs.

    Returns:
        `(constants, state, first, last, *extras) -> state` after the steps `first` to `last − 1`, or after fewer if no
        example is active any more.

    Example:
        >>> from zoo.analysis.attacks.programs import loop
        >>> run = loop(lambda x: x, lambda k, at, constants, state: {"x": state["x"] + 1})
        >>> constants, state = {"clean": np.zeros((2, 1)), "rest": ()}, {"active": np.array([True, False])}
        >>> np.asarray(run(constants, {**state, "x": np.zeros(2)}, 0, 3)["x"])
        array([3., 0.])
    """

    def run(constants, state, first, last, *extras):
        at = network_at(network, constants["clean"], constants["rest"])  # outside the loop: layers run once

        def step(k, state):
            changed = body(k, at, constants, state, *extras)
            kept = {
                name: ops.where(per_example.expand(state["active"], value), value, state[name])
                for name, value in changed.items()
            }
            return k + 1, {**state, **kept}

        return ops.while_loop(lambda k, state: (k < last) & ops.any(state["active"]), step, (first, state))[1]

    return run


def compiled_prediction(network: Any, tensor: Tensor, rest: Any) -> Prediction:
    """The prediction of a network, by a compiled program.

    Args:
        network: as attacks receive it.
        tensor: what moves, `(n, ...)`.
        rest: as in `AttackedInputs`.

    Example:
        >>> from zoo.analysis.attacks.programs import compiled_prediction
        >>> compiled_prediction(lambda x: x, np.zeros((2, 3)), ()).logits.shape.as_list()
        [2, 3]
    """

    def make(network):
        def predict(tensor, rest):
            prediction = network_at(network, tensor, rest).predict(tensor)
            mask = () if prediction.mask is None else (prediction.mask,)
            return prediction.logits, prediction.distribution == "bernoulli", *mask  # a program returns tensors only

        return lambda *given: tuple(map(ops.convert_to_tensor, predict(*given)))

    logits, is_bernoulli, *mask = program_for(network, "prediction", make)(tensor, rest)
    return Prediction(logits, "bernoulli" if bool(is_bernoulli) else "categorical", *mask)
