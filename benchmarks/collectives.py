"""What a training step on JAX sends between devices, read off the program that XLA compiled."""

import functools
import re

import keras

from zoo.backend.processes import num_processes

COLLECTIVE = re.compile(r"= (.*?) (all-reduce|all-gather|all-to-all|collective-permute|reduce-scatter)\(")
ARRAY = re.compile(r"(pred|[a-z]+(\d+))\[([\d,]*)\]")


def collectives(program):
    """`{kind: [number, bytes of the results]}` of the collectives in the text of a program compiled for CPUs."""
    found = {}
    for results, kind in COLLECTIVE.findall(program):
        counts = found.setdefault(kind, [0, 0])
        counts[0] += 1
        for _, bits, shape in ARRAY.findall(results):
            entries = functools.reduce(lambda n, length: n * int(length), filter(None, shape.split(",")), 1)
            counts[1] += entries * int(bits or 8) // 8
    return found


def compiled_step(model, batches):
    """The text of the training step as XLA compiled it for this model and its batches, of which this has its part."""
    import jax

    distribution = keras.distribution.distribution()

    def whole(part):
        layout = distribution and distribution.get_data_layout(part.shape).backend_layout
        shape = (len(part) * num_processes(), *part.shape[1:])
        return jax.ShapeDtypeStruct(shape, part.dtype, sharding=layout)

    groups = (model.trainable_variables, model.non_trainable_variables)
    groups += (model.optimizer.variables, model.metrics_variables)
    state = tuple([variable.value for variable in group] for group in groups)
    data = keras.tree.map_structure(whole, batches[0])
    return jax.jit(model.train_step).lower(state, data).compile().as_text()
