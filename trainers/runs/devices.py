"""The devices of this process, and their names in the figures of runs."""

import os
import platform

import keras

from zoo.backend import processes


def accelerators() -> list[str]:
    """The names of the devices other than the CPU."""
    if keras.backend.backend() == "jax":
        import jax

        return [d.device_kind for d in jax.devices() if d.platform != "cpu"]
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    return [tf.config.experimental.get_device_details(gpu).get("device_name", "GPU") for gpu in gpus]


def device() -> str:
    """Describes the devices that train, such as `"CPU (x86_64, 8 cores)"`."""
    words = ", ".join(accelerators()) or f"CPU ({platform.machine()}, {os.cpu_count()} cores)"
    joined = processes.processes_joined()
    return words if joined == 1 else f"{words}, {joined} processes"
