"""Training on several devices and hosts, by the means of JAX, TensorFlow and Keras.

On JAX a batch is one array with its rows on all devices, and the training step is one program over it. Batch
statistics, penalties and noise are those of the whole batch for any number of devices. On TensorFlow every device runs
the step on its own rows and exchanges sums through `zoo.backend.replicas`. If labeled and unlabeled inputs share a
batch there, their noise has the same distribution as on a single device, but not the same numbers.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from zoo.backend.processes import (
    all_or_none,
    check_same,
    gather,
    is_global,
    is_writer,
    num_devices,
    num_processes,
    process_index,
    processes_joined,
)
from zoo.validation import check_choice

__all__ = [
    "WAYS",
    "all_or_none",
    "check_same",
    "distribute",
    "gather",
    "is_writer",
    "num_devices",
    "num_processes",
    "process_index",
    "processes_joined",
    "share_batches",
    "share_validation",
]

WAYS = ("none", "devices", "hosts")
HEARTBEAT_SECONDS = 20


@contextlib.contextmanager
def distribute(
    way: str, coordinator: str | None = None, num_processes: int | None = None, process_index: int | None = None
) -> Iterator[None]:
    """A context in which models are made and trained on several devices.

    Args:
        way: `"none"` uses one device; `"devices"` all devices of this process; `"hosts"` all devices of several
            processes, each of which runs the same program (JAX only).
        coordinator: `host:port` of process 0, which the other processes must be able to reach. This argument and the
            next two may be None if JAX can find them (Slurm, Open MPI, cloud TPUs).
        num_processes: number of processes of the run.
        process_index: index of this process, from 0.

    Raises:
        ValueError: an unknown way, or one that the backend does not have.
        ConnectionError: the processes cannot reach each other, or one of them ended.

    Example:
        >>> from zoo.backend.distribution import distribute
        >>> with distribute("none"):
        ...     model = zoo.networks.mlp((4,), num_classes=3)
    """
    check_choice("way to distribute", way, WAYS)
    if way == "none":
        yield
    elif keras.backend.backend() == "jax":
        joined = _joined(coordinator, num_processes, process_index) if way == "hosts" else contextlib.nullcontext()
        with joined, keras.distribution.DataParallel(auto_shard_dataset=False).scope():
            yield
    else:
        with _mirrored(way):
            yield


@contextlib.contextmanager
def _joined(coordinator: str | None, num_processes: int | None, process_index: int | None) -> Iterator[None]:
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.config.update("jax_enable_preemption_service", False)  # it would catch SIGTERM and keep the process running
    try:
        jax.distributed.initialize(
            coordinator,
            num_processes,
            process_index,
            heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
            shutdown_timeout_seconds=HEARTBEAT_SECONDS,
        )
        yield
        # Not after an error: this waits for all processes, and aborts this process if another one is gone.
        jax.distributed.shutdown()
    except (jax.errors.JaxRuntimeError, ValueError) as error:
        if isinstance(error, ValueError) and "Gloo" not in str(error):  # JAX raises some failures of gloo as ValueError
            raise
        raise ConnectionError(
            "Another process of this run ended or cannot be reached. Start the same command on every host again to "
            f"continue from the last checkpoint. ({str(error).splitlines()[0]})"
        ) from error


def _mirrored(way: str) -> contextlib.AbstractContextManager:
    import tensorflow as tf

    if way == "hosts":
        raise ValueError(
            "On TensorFlow training runs on one host: MultiWorkerMirroredStrategy fails inside the fit of Keras 3. "
            "Set KERAS_BACKEND=jax to use distribute='hosts', or use distribute='devices'."
        )
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) == 1:
        return contextlib.nullcontext()
    return tf.distribute.MirroredStrategy([device.name for device in devices]).scope()


def share_batches(batches: Any) -> Any:
    """Reduces every batch to the examples of this process.

    Args:
        batches: `zoo.datasets.Batches` or `SemiSupervised`.

    Returns:
        `batches`.

    Raises:
        ValueError: a batch cannot be divided equally between the devices.

    Example:
        >>> from zoo.backend.distribution import share_batches
        >>> batches = zoo.datasets.Batches(np.zeros((6, 2)), np.arange(6), 3)
        >>> share_batches(batches) is batches
        True
    """
    for size in batches.batch_sizes:
        _check_divisible("Batches", size)
    return batches.shard(process_index(), num_processes())


def share_validation(x: np.ndarray, y: np.ndarray, batch_size: int) -> tuple[tuple[np.ndarray, np.ndarray], int]:
    """The examples of a validation set for this process, and its batch size.

    Args:
        x: inputs of the whole set, `(n, ...)`.
        y: labels of the whole set, `(n, ...)`.
        batch_size: largest batch size of all processes together, at least 1.

    Returns:
        Inputs and labels for this process; the batch size for this process.

    Raises:
        ValueError: the set cannot be divided equally between the devices.

    Example:
        >>> from zoo.backend.distribution import share_validation
        >>> (x, y), batch_size = share_validation(np.zeros((6, 2)), np.arange(6), 4)
        >>> len(x), batch_size
        (6, 4)
    """
    if not is_global():
        return (x, y), batch_size
    _check_divisible("Validation sets", len(x))
    rows = slice(process_index(), None, num_processes())
    devices = num_devices()
    return (x[rows], y[rows]), max(batch_size // devices, 1) * devices // num_processes()


def _check_divisible(what: str, size: int) -> None:
    if size % num_devices():
        raise ValueError(f"{what} of {size} examples cannot be divided equally between {num_devices()} devices.")
