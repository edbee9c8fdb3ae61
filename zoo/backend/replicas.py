"""Sums and random numbers over a batch that several devices share.

On JAX a training step is one program over the whole batch, so nothing needs to be exchanged. Under TensorFlow's
`MirroredStrategy` every device runs the step on its own rows. Sums over the batch go through this module.
"""

from typing import Any

import keras

Tensor = Any  # a tensor of the backend


def num_replicas() -> int:
    """The number of devices that run the current step, each on its own rows; 1 outside a step.

    Example:
        >>> from zoo.backend.replicas import num_replicas
        >>> num_replicas()
        1
    """
    if keras.backend.backend() == "jax":
        return 1
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    return 1 if context is None else context.num_replicas_in_sync


def sum_over_replicas(value: Tensor) -> Tensor:
    """The sum of a tensor over all devices. Its gradient is also a sum over all devices.

    Args:
        value: tensor of any shape, the same shape on all devices.

    Returns:
        A tensor of the same shape.

    Example:
        >>> from zoo.backend.replicas import sum_over_replicas
        >>> float(sum_over_replicas(keras.ops.convert_to_tensor(2.0)))
        2.0
    """
    if num_replicas() == 1:
        return value
    import tensorflow as tf

    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, value)


def own_rows(values: Tensor, num_rows: int | Tensor) -> Tensor:
    """The rows of this device, out of values that all devices draw alike for the whole batch.

    Args:
        values: tensor with `num_replicas() * num_rows` rows.
        num_rows: number of examples on this device.

    Returns:
        A tensor with `num_rows` rows.

    Example:
        >>> from zoo.backend.replicas import own_rows
        >>> own_rows(keras.ops.ones((4, 2)), 4).shape.as_list()
        [4, 2]
    """
    if num_replicas() == 1:
        return values
    import tensorflow as tf

    first = tf.distribute.get_replica_context().replica_id_in_sync_group * num_rows
    return tf.gather(values, first + tf.range(num_rows))
