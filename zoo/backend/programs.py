"""Compiled programs over a network, one for each shape of their arguments, on both backends."""

import functools
import weakref
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import keras

from zoo.backend.interception import activation_of
from zoo.backend.keras_internals import flatten_layers

Program = Callable[..., Any]

OBJECTS = ("mean", "variance")  # of a layer, which can change without its variables
PLAIN = (bool, int, float, str)
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

    A network gets new programs if its layers, variables or loss are others than then, or if layers have another dtype
    policy, activation or plain setting. Values of variables may change. Only objects with `variables`, such as Keras
    networks, keep their programs. Any other function may read values that the program would not see change.

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
    parts, programs = _PROGRAMS.get(network, (([], []), {}))
    if not _are_same(parts, now := _parts(network)):
        programs = {}
        _PROGRAMS[network] = now, programs
    if key not in programs:
        # Weak: a program that held its network would keep its entry, and so itself, alive.
        weak = weakref.ref(network)
        programs[key] = compile_program(lambda *arrays: make(weak())(*arrays), network.variables)
    return programs[key]


def _parts(network: Any) -> tuple[list[Any], list[Any]]:
    """What a program over a network is made of: objects, and values. A program of others would compute something else.

    They are kept as long as the network lives. So neither the network nor its loss, which may refer to it, is among the
    objects.
    """
    inner = network if isinstance(network, keras.Layer) else getattr(network, "network", None)
    layers = flatten_layers(inner) if isinstance(inner, keras.Layer) else []
    objects, values = [*layers[1:], *network.variables], [id(getattr(inner, "loss", None))]
    for layer in layers:
        objects += [layer.dtype_policy, activation_of(layer), *(vars(layer).get(name) for name in OBJECTS)]
        values.append(layer.trainable)
    for layer in layers[1:]:
        values += [(name, each) for name, each in vars(layer).items() if isinstance(each, PLAIN) and name[0] != "_"]
    return objects, values


def _are_same(old: tuple[list[Any], list[Any]], new: tuple[list[Any], list[Any]]) -> bool:
    """Whether the parts of a network are those of an earlier call."""
    of_objects = len(old[0]) == len(new[0]) and all(a is b for a, b in zip(old[0], new[0], strict=True))
    return of_objects and old[1] == new[1]
