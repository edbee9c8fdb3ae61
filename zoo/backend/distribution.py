"""Training on several devices and hosts, by the engines that JAX, TensorFlow and Keras have.

On JAX a batch is one array whose rows lie on all devices, and the training step one program over it: batch statistics,
penalties and noise are those of the whole batch, whatever the number of devices. On TensorFlow every device runs the
step on its own rows, and `zoo.replicas` has what they tell each other; where labeled and unlabeled inputs share a
batch, their noise is as random, but not number for number that of a single device.
"""

import contextlib

import keras
import numpy as np

from zoo.validation import check_choice

WAYS = ("none", "devices", "hosts")
HEARTBEAT_SECONDS = 20


@contextlib.contextmanager
def distribute(way, coordinator=None, num_processes=None, process_index=None):
    """A context in which models are made and trained on several devices.

    Args:
        way: `"none"`: one device; `"devices"`: all of this process; `"hosts"`: all of several processes, of which each
            runs the same program (JAX alone).
        coordinator: `host:port` of process 0, of which the others must be able to reach the port. This and the next
            two may be None where JAX finds out by itself (Slurm, Open MPI, cloud TPUs).
        num_processes: of the run.
        process_index: of this process, from 0.

    Raises:
        ValueError: an unknown way, or one that the backend does not have.
        ConnectionError: the processes did not find together, or one of them ended.
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
def _joined(coordinator, num_processes, process_index):
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.config.update("jax_enable_preemption_service", False)  # it would catch SIGTERM, and the process go on
    try:
        jax.distributed.initialize(
            coordinator,
            num_processes,
            process_index,
            heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
            shutdown_timeout_seconds=HEARTBEAT_SECONDS,
        )
        yield
        # Not behind an error: it waits for all processes, and aborts this one where another is gone.
        jax.distributed.shutdown()
    except (jax.errors.JaxRuntimeError, ValueError) as error:
        if isinstance(error, ValueError) and "Gloo" not in str(error):  # JAX raises some of gloo's failures so
            raise
        raise ConnectionError(
            "Another process of this run ended or cannot be reached. Start the same command on every host again: it "
            f"goes on from the last checkpoint. ({str(error).splitlines()[0]})"
        ) from error


def _mirrored(way):
    import tensorflow as tf

    if way == "hosts":
        raise ValueError(
            "On TensorFlow training runs on one host: MultiWorkerMirroredStrategy fails inside the fit of Keras 3. "
            "Set KERAS_BACKEND=jax for distribute='hosts', or take 'devices'."
        )
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if len(devices) == 1:
        return contextlib.nullcontext()
    return tf.distribute.MirroredStrategy([device.name for device in devices]).scope()


def _is_global():
    """Whether a batch is one array over several devices, perhaps of several processes: the way of JAX."""
    return keras.distribution.distribution() is not None


def num_processes():
    """Number of processes that share a batch."""
    return keras.distribution.distribution().num_processes if _is_global() else 1


def process_index():
    """Index of this process among them."""
    if not _is_global():
        return 0
    import jax

    return jax.process_index()


def processes_joined():
    """Number of processes that trained together, also when they have parted."""
    if keras.backend.backend() != "jax":
        return 1
    import jax

    return jax.process_count()


def is_writer():
    """Whether this process writes the files of the run."""
    return process_index() == 0


def num_devices():
    """Number of devices that share a batch."""
    if _is_global():
        return keras.distribution.distribution().num_model_replicas
    if keras.backend.backend() == "jax":
        return 1
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync


def gather(value):
    """The whole numbers that all processes pass to this call, in their order; it waits for all of them."""
    if num_processes() == 1:
        return [value]
    from jax.experimental import multihost_utils

    return multihost_utils.process_allgather(np.asarray(value)).tolist()


def check_same(what, value):
    """Refuses processes that do not agree on a number.

    Raises:
        ValueError: with the values of all processes.
    """
    values = gather(value)
    if len(set(values)) > 1:
        raise ValueError(f"All processes must have the same {what}, received {values}. Is the workdir shared by all?")


@contextlib.contextmanager
def together():
    """A part that fails in all processes when it fails in one, lest the others wait for that one.

    Raises:
        ConnectionError: it failed in another process, which says why.
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
        raise ConnectionError(f"Process {failed[0]} of this run failed; its own message says why.")


def share_batches(batches):
    """Leaves this process its part of every batch of `zoo.datasets.Batches` or `SemiSupervised`.

    Raises:
        ValueError: the devices cannot have equal parts.
    """
    for size in batches.batch_sizes:
        _check_parts("Batches", size)
    return batches.shard(process_index(), num_processes())


def share_validation(x, y, batch_size):
    """This process's part of a validation set, and of its batches.

    Args:
        x, y: the whole set.
        batch_size: of all processes together, at most.

    Raises:
        ValueError: the devices cannot have equal parts.
    """
    if not _is_global():
        return (x, y), batch_size
    _check_parts("Validation sets", len(x))
    rows = slice(process_index(), None, num_processes())
    devices = num_devices()
    return (x[rows], y[rows]), max(batch_size // devices, 1) * devices // num_processes()


def _check_parts(what, size):
    if size % num_devices():
        raise ValueError(f"{what} of {size} examples cannot be cut into equal parts for {num_devices()} devices.")
