"""How training steps run: compiled by XLA or not, one at a time or several, on data that lies where.

Measured by `benchmarks.step_time`. XLA fuses what lies between the matrix products of dense networks; its convolutions
are slower than TensorFlow's on CPUs, and its generator of random numbers there is slower by far, so networks with
dropout or noise layers stay without. On GPUs XLA is the rule, as in Keras. Several steps at a time spare the dispatch,
which can take longer than a small network's step. XLA makes one program of them, where Keras would dispatch one after
the other: that has a number of steps for good, so they have to divide the epoch; and on CPUs, where XLA's gradient of a
convolution is forty times slower within a loop, networks with convolutions go without. Training data that fits lies on
JAX's accelerator, so that no step waits for its batch to get there.
"""

import os
import typing

import keras

from zoo.datasets.batches import Batches, SemiSupervised

STEPS_AT_A_TIME = 10
MOST_BYTES = 2**28  # of the inputs of one program, which lie behind one another
MOST_MEMORY = 0.25  # of the device's, for training data
COMPILED_BY_JAX = (
    keras.layers.RandomPerspective,
    keras.layers.RandomRotation,
    keras.layers.RandomShear,
    keras.layers.RandomTranslation,
    keras.layers.RandomZoom,
)
deterministic = False
BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")


class Epoch(typing.NamedTuple):
    """An epoch whose batches are all whole.

    Attributes:
        num_steps: number of batches.
        batch_bytes: what the inputs of one take in memory.
    """

    num_steps: int
    batch_bytes: int


def whole_epoch(x, options):
    """The `Epoch` that `fit` will run through; None where some batch is not whole or it cannot be told.

    Args:
        x: as `fit` takes it.
        options: further arguments of `fit`.
    """
    if options.get("steps_per_epoch") or options.get("validation_split"):
        return None
    if isinstance(x, (Batches, SemiSupervised)):
        inputs, _ = x[0]
        return Epoch(len(x), sum(array.nbytes for array in keras.tree.flatten(inputs)))
    if not (hasattr(x, "shape") and hasattr(x, "nbytes")):
        return None
    num_steps, rest = divmod(len(x), options.get("batch_size") or 32)
    return Epoch(num_steps, x.nbytes // num_steps) if num_steps and not rest else None


def enable_determinism():
    """Has every operation give the same bits each time, on a GPU too; slower. Call it before anything is computed."""
    global deterministic
    deterministic = True
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_deterministic_ops=true"
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def let_jax_compile(layers):
    """Takes back what Keras says of its augmentation on every backend: TensorFlow's XLA lacks their image operations,
    JAX compiles them, and would run a whole step operation by operation because of them."""
    if keras.backend.backend() == "jax":
        for layer in _flatten(layers):
            layer.supports_jit = layer.supports_jit or isinstance(layer, COMPILED_BY_JAX)


def choose_jit_compile(layers):
    """Whether XLA should compile the training step of a model of these layers, built or None."""
    if not all(layer.supports_jit for layer in _flatten(layers)):
        return False
    if keras.backend.backend() == "jax":
        return True
    if deterministic or _has_replicas():
        return False  # as in Keras: with neither can TensorFlow's step be compiled
    if _has_gpu():
        return True
    draws = any("seed_generator" in variable.path for variable in _variables(layers))
    return not _convolves(layers) and not draws


def choose_steps_per_execution(layers, epoch, options):
    """How many steps `fit` should run at a time: one where a callback watches steps, or where their number is given.

    A callback that is content with some of them says so by an attribute `needs_every_step = False`. Of data that do not
    end, Keras would run through more steps than given.

    Args:
        layers, epoch: see `can_be_one_program`.
        options: arguments of `fit`.
    """
    if options.get("steps_per_epoch") or options.get("validation_steps") or _watched(options.get("callbacks")):
        return 1
    if keras.backend.backend() == "jax":  # on which Keras gains nothing by several
        single = not can_be_one_program(layers, epoch, STEPS_AT_A_TIME)
    else:
        single = _has_replicas()
    return 1 if single else STEPS_AT_A_TIME


def can_be_one_program(layers, epoch, steps):
    """Whether so many steps at a time can be one program that XLA compiles.

    Args:
        layers: of the model, built or not, or None.
        epoch: `Epoch` of whole batches, or None.
        steps: number of steps at a time.
    """
    if epoch is None or epoch.num_steps % steps or steps * epoch.batch_bytes > MOST_BYTES or _is_distributed():
        return False
    unknown = any(layer is not None and not layer.built for layer in layers)
    return _has_gpu() or not (unknown or _convolves(layers))


def _watched(callbacks):
    return any(
        # Of the instance, for `LambdaCallback` sets its own there.
        getattr(getattr(callback, hook), "__func__", None) is not getattr(keras.callbacks.Callback, hook)
        for callback in keras.tree.flatten(callbacks or [])
        for hook in BATCH_HOOKS
        if getattr(callback, "needs_every_step", True)
    )


def choose_resident(batches):
    """Whether the arrays of `Batches` or `SemiSupervised` should lie on the device that trains, on JAX.

    On a CPU they do in any case, and several devices each take their own part of a batch.
    """
    import jax

    memory = (jax.local_devices()[0].memory_stats() or {}).get("bytes_limit", 0)
    return not _is_distributed() and batches.num_bytes <= MOST_MEMORY * memory


def _flatten(layers):
    return [inner for layer in layers if layer is not None for inner in layer._flatten_layers()]


def _variables(layers):
    return [variable for layer in layers if layer is not None for variable in layer.variables]


def _convolves(layers):
    return any(variable.trainable and len(variable.shape) > 2 for variable in _variables(layers))


def _is_distributed():
    if keras.backend.backend() == "jax":
        return keras.distribution.distribution() is not None
    return _has_replicas()


def _has_replicas():
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync > 1


def _has_gpu():
    if keras.backend.backend() == "jax":
        import jax

        return jax.default_backend() != "cpu"
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))
