"""Batches for `fit` that depend on nothing but the seed and the epoch."""

import functools
import math

import keras
import numpy as np

from zoo.validation import check_number


def _epoch_indices(num_examples, shape, key):
    """Indices `(steps, batch_size)` that run through fresh permutations of all examples, drawn from `key`."""
    rng = np.random.default_rng(key)
    rounds = math.ceil(math.prod(shape) / num_examples)
    indices = np.concatenate([rng.permutation(num_examples) for _ in range(rounds)])
    return indices[: math.prod(shape)].reshape(shape)


class _EpochwiseDataset(keras.utils.PyDataset):
    """The shared head: counts epochs and draws each epoch's indices when it begins.

    A batch depends on the seed, the epoch and its index only, so batches may be read in any order and by
    several threads. `fit` advances the epoch; in a loop of one's own, add 1 to it.

    Args:
        seed: at least 0.
        steps_per_epoch: number of batches in an epoch.
    """

    def __init__(self, seed, steps_per_epoch):
        super().__init__()
        self.seed = check_number("seed", seed, 0, integer=True)
        self.steps_per_epoch = check_number("steps_per_epoch", steps_per_epoch, 1, integer=True)
        self._running, self._num_read = False, 0
        self._shown_indices = ()  # as tf.data sees them
        self._shard = (0, 1)
        self._take = lambda array, rows: array[rows]
        self.epoch = 0

    @property
    def epoch(self):
        """Index of the current epoch, from 0. Set it where a run resumes to see the same batches again."""
        return self._epoch

    @epoch.setter
    def epoch(self, epoch):
        self._epoch = check_number("epoch", epoch, 0, integer=True)
        self._indices = tuple(self._own_rows(indices) for indices in self._draw())
        for shown, indices in zip(self._shown_indices, self._indices, strict=False):
            shown.assign(indices)

    def shard(self, index, num_shards):
        """Keeps one part of every batch, for one of several processes that train together.

        The parts in order make up the batches of a single process; of labeled and unlabeled inputs each has its
        share.

        Args:
            index: of the part, 0 to `num_shards - 1`.
            num_shards: number of parts.

        Returns:
            Itself.

        Raises:
            ValueError: a batch cannot be cut into so many equal parts.
        """
        check_number("num_shards", num_shards, 1, integer=True)
        for size in self.batch_sizes:
            if size % num_shards:
                raise ValueError(f"Batches of {size} examples cannot be cut into {num_shards} equal parts.")
        self._shard = check_number("index", index, 0, num_shards - 1, integer=True), num_shards
        self.epoch = self.epoch
        return self

    def _own_rows(self, indices):
        index, num_shards = self._shard
        return np.split(indices, num_shards, axis=1)[index]

    @property
    def num_batches(self):
        return self.steps_per_epoch

    def __len__(self):
        return self.steps_per_epoch

    def on_epoch_begin(self):
        self._running, self._num_read = True, 0

    def on_epoch_end(self):
        # Keras ends an "epoch" before the first one too, and after the one batch from which it builds the
        # model: only an epoch that was begun and read to its end counts.
        if self._running and self._num_read >= self.steps_per_epoch:
            self.epoch += 1
        self._running = False

    def __getitem__(self, index):
        self._num_read += 1
        return self._gather(self._take, *(indices[index] for indices in self._indices))

    def endless(self):
        """The batches of one epoch after the other, for epochs of another length."""
        while True:
            yield from (self[step] for step in range(len(self)))
            self.epoch += 1

    @property
    def num_bytes(self):
        """What the arrays take in memory."""
        return sum(array.nbytes for array in self._arrays)

    def move_to_device(self):
        """Keeps a copy of the arrays on JAX's device, where batches are gathered from now on: only indices travel."""
        import jax

        tensors = {id(array): jax.device_put(array) for array in self._arrays}
        gather = jax.jit(lambda tensor, rows: tensor[rows])
        self._take = lambda array, rows: gather(tensors[id(array)], rows)

    @functools.cached_property
    def tf_dataset(self):
        """The batches as a `tf.data.Dataset`, which gathers them outside Python.

        A pass over it is the epoch that is current when it begins; it does not advance the epoch.
        """
        import tensorflow as tf

        with tf.device("CPU"):
            tensors = {id(array): tf.constant(array) for array in self._arrays}
            self._shown_indices = [tf.Variable(indices, trainable=False) for indices in self._indices]

        def batch(step):
            rows = [tf.gather(indices, step) for indices in self._shown_indices]
            return self._gather(lambda array, rows: tf.gather(tensors[id(array)], rows), *rows)

        # The autotuner's thread waits in doubling periods, and a short `fit` often ended only when its period did.
        options = tf.data.Options()
        options.autotune.enabled = False
        return tf.data.Dataset.range(len(self)).map(batch).prefetch(2).with_options(options)


class Batches(_EpochwiseDataset):
    """Batches `(x, y)` of a labeled set, in a fresh permutation every epoch.

    All batches are full: the examples that remain are left out, others in every epoch. A set smaller than the
    batch size makes one batch of all its examples. `RegularizedModel.fit` takes them in this order; call another
    model's `fit` with `shuffle=False`, for Keras would shuffle an epoch's batches by Python's `random`.

    Args:
        x: `(n, ...)` inputs.
        y: `(n, ...)` targets.
        batch_size: at least 1.
        seed: at least 0; it and the epoch fix the permutation.
        steps_per_epoch: number of batches in an epoch; by default those in one permutation. Beyond that,
            further permutations follow and a batch may span two of them.

    Raises:
        ValueError: `x` and `y` differ in length, or a number is out of range.
    """

    def __init__(self, x, y, batch_size=100, *, seed=0, steps_per_epoch=None):
        self.x, self.y = _check_pair(x, y)
        self.batch_size = min(check_number("batch_size", batch_size, 1, integer=True), len(self.x))
        super().__init__(seed, len(self.x) // self.batch_size if steps_per_epoch is None else steps_per_epoch)

    def _draw(self):
        return (_epoch_indices(len(self.x), (self.steps_per_epoch, self.batch_size), (self.seed, self.epoch)),)

    @property
    def batch_sizes(self):
        """The numbers of examples in a whole batch: of the labeled ones alone."""
        return (self.batch_size,)

    @property
    def _arrays(self):
        return self.x, self.y

    def _gather(self, take, rows):
        return take(self.x, rows), take(self.y, rows)


class SemiSupervised(_EpochwiseDataset):
    """Batches `({"labeled": x, "unlabeled": u}, y)` of a labeled and an unlabeled set.

    The two sets are run through independently, each in permutations of its own. The labeled one is usually
    the smaller: within an epoch it is repeated in fresh permutations, and a batch may span two of them. Call
    `fit` with `shuffle=False`, as for `Batches`.

    Args:
        x: `(n, ...)` labeled inputs.
        y: `(n, ...)` their targets.
        x_unlabeled: `(m, ...)` unlabeled inputs; they may include `x`.
        batch_size: number of labeled inputs in a batch, 1 to n.
        unlabeled_batch_size: number of unlabeled inputs in a batch, 1 to m.
        seed: at least 0; it and the epoch fix the permutations.
        steps_per_epoch: number of batches in an epoch; by default those in one permutation of the unlabeled
            set.

    Raises:
        ValueError: `x` and `y` differ in length, the unlabeled inputs in shape or kind of number from the
            labeled ones, or a number is out of range.
    """

    def __init__(self, x, y, x_unlabeled, *, batch_size=32, unlabeled_batch_size=128, seed=0, steps_per_epoch=None):
        self.x, self.y = _check_pair(x, y)
        self.x_unlabeled = _check_alike(x_unlabeled, self.x)
        num_unlabeled = len(self.x_unlabeled)
        self.batch_size = check_number("batch_size", batch_size, 1, len(self.x), integer=True)
        self.unlabeled_batch_size = check_number(
            "unlabeled_batch_size", unlabeled_batch_size, 1, num_unlabeled, integer=True
        )
        super().__init__(seed, num_unlabeled // unlabeled_batch_size if steps_per_epoch is None else steps_per_epoch)

    def _draw(self):
        steps, key = self.steps_per_epoch, (self.seed, self.epoch)
        return (
            _epoch_indices(len(self.x), (steps, self.batch_size), (*key, 0)),
            _epoch_indices(len(self.x_unlabeled), (steps, self.unlabeled_batch_size), (*key, 1)),
        )

    @property
    def batch_sizes(self):
        """The numbers of labeled and of unlabeled examples in a whole batch."""
        return self.batch_size, self.unlabeled_batch_size

    @property
    def _arrays(self):
        return self.x, self.y, self.x_unlabeled

    def _gather(self, take, labeled, unlabeled):
        inputs = {"labeled": take(self.x, labeled), "unlabeled": take(self.x_unlabeled, unlabeled)}
        return inputs, take(self.y, labeled)


def _check_pair(x, y):
    x, y = np.asarray(x), np.asarray(y)
    if len(x) != len(y) or not len(x):
        raise ValueError(f"x and y must have the same length, at least 1, received {len(x)} and {len(y)}.")
    return x, y


def _check_alike(x_unlabeled, x):
    x_unlabeled = np.asarray(x_unlabeled)
    if x_unlabeled.shape[1:] != x.shape[1:] or x_unlabeled.dtype.kind != x.dtype.kind:
        raise ValueError(
            f"x_unlabeled must be like x, examples of shape {x.shape[1:]} and dtype {x.dtype}, received "
            f"{x_unlabeled.shape[1:]} and {x_unlabeled.dtype}."
        )
    return x_unlabeled
