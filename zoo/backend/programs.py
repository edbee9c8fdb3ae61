"""Compiled programs over a network, one for each shape of their arguments, on both backends."""

import functools
import weakref
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import keras

from zoo.backend.keras_internals import flatten_layers

Program = Callable[..., Any]

SETTINGS = ("quantization_mode", "activation", "mean", "variance")  # of a layer, which change without its variables
_PROGRAMS: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # network: (what it is made of, its programs)


def compile_program(function: Callable[..., Any], variables: Sequence[keras.Variable] = ()) -> Program:
    """Compiles a function of arrays.

    Args:
        function: maps arrays, or nests of them, to a nest of tensors. It must not draw random numbers or assign to
            variables.
        variables: those that the function reads. The program uses their values at each call. Other tensors that the
            function refers to keep the values of the first call on JAX.

    Returns:
        A function with the same results.

    Example:
        >>> from zoo.backend.programs import compile_program
        >>> variable = keras.Variable(2.0)
        >>> double = compile_program(lambda x: variable * x, [variable])
        >>> variable.assign(3.0)  # doctest: +ELLIPSIS
        <...>
        >>> float(double(np.float32(2.0)))
        6.0
    """
    if keras.backend.backend() != "jax":
        import tensorflow as tf

        # `partial`: TensorFlow counts the traces of all functions of one code together, and warns of too many.
        return tf.function(functools.partial(function), autograph=False, reduce_retracing=True)
    import jax

    @jax.jit
    def run(weights, *arrays):
        with keras.StatelessScope(state_mapping=list(zip(variables, weights, strict=True))):
            return function(*arrays)

    return lambda *arrays: run([variable.value for variable in variables], *arrays)


def program_for(network: Any, key: Hashable, make: Callable[[Any], Callable[..., Any]]) -> Program:
    """A compiled program over a network, from an earlier call with the same network and key if there was one.

    A network that has changed since then, other than in the values of its variables, gets new programs. Only objects
    with `variables`, such as Keras networks, keep their programs. Any other function may read values that the program
    would not see change.

    Args:
        network: Keras network, or any function of one tensor.
        key: of the program among those of the network: everything that the program depends on besides its arguments.
        make: `network -> function`, as for `compile_program`.

    Returns:
        The program.

    Example:
        >>> from zoo.backend.programs import program_for
        >>> network = zoo.networks.mlp((4,), 3)
        >>> program = program_for(network, "logits", lambda network: lambda x: network(x))
        >>> program is program_for(network, "logits", lambda network: lambda x: network(x))
        True
    """
    if not hasattr(network, "variables"):
        return compile_program(make(network))
    parts, programs = _PROGRAMS.get(network, ([], {}))
    if len(parts) != len(now := _parts(network)) or any(a is not b for a, b in zip(parts, now, strict=True)):
        programs = {}
        _PROGRAMS[network] = now, programs
    if key not in programs:
        # Weak: a program that held its network would keep its entry, and so itself, alive.
        weak = weakref.ref(network)
        programs[key] = compile_program(lambda *arrays: make(weak())(*arrays), network.variables)
    return programs[key]


def _parts(network: Any) -> list[Any]:
    """The objects that a program over a network is made of: a program of other ones would compute something else.

    The network itself is not among them, because they are kept as long as it lives.
    """
    inner = network if isinstance(network, keras.Layer) else getattr(network, "network", None)
    layers = flatten_layers(inner) if isinstance(inner, keras.Layer) else []
    parts = [getattr(inner, "loss", None), *layers[1:], *network.variables]
    for layer in layers:
        parts += [layer.dtype_policy, *(getattr(layer, name, None) for name in SETTINGS)]
    return parts
