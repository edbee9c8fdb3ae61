"""Timing by turns, and writing down what came of it."""

import json
import pathlib
import time

import keras
import numpy as np

from zoo.files import atomic, write_atomic
from zoo.training.execution_plan import STEPS_AT_A_TIME


def compiled(function):
    """The function as the running backend compiles it, and waits for its result: a tensor, or a list of tensors."""
    if keras.backend.backend() == "jax":
        import jax

        jitted = jax.jit(function)
        return lambda *arguments: jax.block_until_ready(jitted(*arguments))
    import tensorflow as tf

    graph = tf.function(function)
    return lambda *arguments: tf.nest.map_structure(lambda tensor: tensor[..., :1].numpy(), graph(*arguments))


def least_seconds(function, *arguments, rounds=7, budget=1.0):
    """The least of several timings: a rate is what the device can do, not what a neighbor leaves of it.

    Args:
        function: returns when its result is there.
        *arguments: of the function.
        rounds: number of timings.
        budget: seconds after which no further round begins.
    """
    function(*arguments)  # compiles
    times = []
    while len(times) < rounds and sum(times) <= budget:
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


def steps_for(train, turn_seconds, most=500):
    """How many steps fill a turn, whole tens where it is ten or more; trains for a few to find out.

    An epoch of whole tens is one whose steps can run several at a time.

    Args:
        train: `number of steps -> None`.
        turn_seconds: length of a turn.
        most: steps.
    """
    train(2)  # compiles
    start = time.perf_counter()
    train(2)
    middle = time.perf_counter()
    train(6)
    four_steps = (time.perf_counter() - middle) - (middle - start)  # without what every call takes once
    steps = int(np.clip(4 * turn_seconds / max(four_steps, 1e-3), 2, most))
    return steps if steps < STEPS_AT_A_TIME else steps - steps % STEPS_AT_A_TIME


def interleave(trainers, rounds, turn_seconds=0.5, steps=None):
    """Seconds per step of several trainers that take turns, so that a machine's drift falls on all of them.

    Args:
        trainers: `{name: number of steps -> None}`.
        rounds: how often each takes its turn.
        turn_seconds: length of a turn.
        steps: number of steps in a turn, in place of its length.

    Returns:
        `{name: the median over the rounds}`.
    """
    steps = {name: steps or steps_for(train, turn_seconds) for name, train in trainers.items()}
    for name, train in trainers.items():
        train(steps[name])
    times = {name: [] for name in trainers}
    for _ in range(rounds):
        for name, train in trainers.items():
            start = time.perf_counter()
            train(steps[name])
            times[name].append((time.perf_counter() - start) / steps[name])
    return {name: float(np.median(turns)) for name, turns in times.items()}


def write_json(path, content):
    """Writes the measurements as JSON; creates the folder if it is missing."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, json.dumps(content, indent=2) + "\n")


def draw_bars(path, title, rows, columns):
    """Draws horizontal bars, a group for each row and a bar for each column.

    Args:
        path: of the picture.
        title: above it.
        rows: `{name: {column: milliseconds or None}}`.
        columns: names of the bars, with which the legend names them.
    """
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    height = 0.8 / len(columns)
    figure, axes = pyplot.subplots(figsize=(8, 1 + 0.5 * len(rows)), layout="constrained")
    for place, column in enumerate(columns):
        values = [row.get(column) or 0.0 for row in rows.values()]
        axes.barh(np.arange(len(rows)) + place * height, values, height, label=column)
    axes.set_yticks(np.arange(len(rows)) + 0.4 - height / 2, list(rows))
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds per training step")
    axes.set_title(title)
    axes.legend()
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=120, format="png")
    pyplot.close(figure)
