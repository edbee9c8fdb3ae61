"""The devices that train."""

import os
from typing import Any

import keras

deterministic = False  # whether `enable_determinism` was called


def enable_determinism() -> None:
    """Makes every operation give the same bits each time, also on a GPU. Training becomes slower.

    Call it before the first computation.
    """
    global deterministic
    deterministic = True
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_deterministic_ops=true"
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def has_accelerator() -> bool:
    """Whether the backend computes on a device other than the CPU.

    Example:
        >>> from zoo.backend.devices import has_accelerator
        >>> has_accelerator() in (True, False)
        True
    """
    if keras.backend.backend() == "jax":
        import jax

        return jax.default_backend() != "cpu"
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def shares_batches(strategy: Any = None) -> bool:
    """Whether several devices share a batch.

    Args:
        strategy: TensorFlow's strategy under which a model was made, or None for the one of the current scope.

    Example:
        >>> from zoo.backend.devices import shares_batches
        >>> shares_batches()
        False
    """
    if keras.backend.backend() == "jax":
        return keras.distribution.distribution() is not None
    import tensorflow as tf

    return (strategy or tf.distribute.get_strategy()).num_replicas_in_sync > 1


def memory_bytes() -> int:
    """Memory of the accelerator that trains, on JAX; 0 on a CPU."""
    import jax

    return (jax.local_devices()[0].memory_stats() or {}).get("bytes_limit", 0)
