"""One batch on several devices: what the part of it that a device has must learn of the others.

On JAX a training step is one program over the whole batch, and there is nothing to learn. Under TensorFlow's
`MirroredStrategy` every device runs the step on its own rows; sums over the batch go through here.
"""

import keras


def num_replicas():
    """Number of devices that run the step at hand, each on its own rows; 1 outside a step."""
    if keras.backend.backend() == "jax":
        return 1
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    return 1 if context is None else context.num_replicas_in_sync


def sum_over_replicas(value):
    """The sum of a tensor over all devices; its gradient is a sum over all of them, too."""
    if num_replicas() == 1:
        return value
    import tensorflow as tf

    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, value)


def own_rows(values, num_rows):
    """This device's part of values that are drawn alike on all devices, for the whole batch.

    Args:
        values: tensor with `num_replicas() * num_rows` entries.
        num_rows: examples on this device.
    """
    if num_replicas() == 1:
        return values
    import tensorflow as tf

    first = tf.distribute.get_replica_context().replica_id_in_sync_group * num_rows
    return tf.gather(values, first + tf.range(num_rows))
