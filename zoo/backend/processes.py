"""The processes and devices that share a batch, and what the processes tell each other."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np


def _distribution() -> Any:
    """Keras's distribution, which makes a batch one array over several devices, on JAX; else None."""
    return keras.distribution.distribution()


def is_global() -> bool:
    """Whether a batch is one array over several devices, perhaps of several processes. This is so on JAX only.

    Example:
        >>> from zoo.backend.processes import is_global
        >>> is_global()
        False
    """
    return _distribution() is not None


def num_processes() -> int:
    """The number of processes that share a batch.

    Example:
        >>> from zoo.backend.processes import num_processes
        >>> num_processes()
        1
    """
    return _distribution().num_processes if is_global() else 1


def process_index() -> int:
    """The index of this process among those that share a batch.

    Example:
        >>> from zoo.backend.processes import process_index
        >>> process_index()
        0
    """
    if not is_global():
        return 0
    import jax

    return jax.process_index()


def processes_joined() -> int:
    """The number of processes that trained together, also after their context has ended.

    Example:
        >>> from zoo.backend.processes import processes_joined
        >>> processes_joined()
        1
    """
    if keras.backend.backend() != "jax":
        return 1
    import jax

    return jax.process_count()


def is_writer() -> bool:
    """Whether this process writes the files of the run.

    Example:
        >>> from zoo.backend.processes import is_writer
        >>> is_writer()
        True
    """
    return process_index() == 0


def num_devices() -> int:
    """The number of devices that share a batch.

    Example:
        >>> from zoo.backend.processes import num_devices
        >>> num_devices()
        1
    """
    if is_global():
        return _distribution().num_model_replicas
    if keras.backend.backend() == "jax":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


def gather(value: int) -> list[int]:
    """Collects an integer from every process. It waits until all processes have called it.

    Args:
        value: integer or boolean of this process.

    Returns:
        The values in the order of the processes.

    Example:
        >>> from zoo.backend.processes import gather
        >>> gather(7)
        [7]
    """
    if num_processes() == 1:
        return [value]
    from jax.experimental import multihost_utils

    return multihost_utils.process_allgather(np.asarray(value)).tolist()


def check_same(what: str, value: int) -> None:
    """Refuses processes that do not have the same integer.

    Args:
        what: what the integer is, in the message.
        value: integer of this process.

    Raises:
        ValueError: the values differ.

    Example:
        >>> from zoo.backend.processes import check_same
        >>> check_same("epoch", 3)
    """
    values = gather(value)
    if len(set(values)) > 1:
        raise ValueError(f"All processes must have the same {what}, received {values}. Do they share the workdir?")


@contextlib.contextmanager
def all_or_none() -> Iterator[None]:
    """A context that fails in all processes if it fails in one, so that the others do not wait forever.

    Raises:
        ConnectionError: it failed in another process, whose own message gives the reason.

    Example:
        >>> from zoo.backend.processes import all_or_none
        >>> with all_or_none():
        ...     pass
    """
    error = None
    try:
        yield
    except Exception as caught:
        error = caught
    failed = [index for index, failure in enumerate(gather(error is not None)) if failure]
    if error is not None:
        raise error
    if failed:
        raise ConnectionError(f"Process {failed[0]} of this run failed. Its own message gives the reason.")
