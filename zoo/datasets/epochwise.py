"""The shared head of the batches for `fit`: it counts epochs and draws each epoch's indices."""

import contextlib
import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, Self

import keras
import numpy as np

from zoo.backend.random_numbers import Seed, as_integer
from zoo.validation import check_number


class EpochwiseDataset(keras.utils.PyDataset):
    """Batches that depend only on the seed, the epoch and their index.

    Batches can therefore be read in any order and by several threads. `fit` advances the epoch. In your own training
    loop, add 1 to `epoch` after each pass. A subclass writes `_draw`, `_gather`, `_arrays` and `batch_sizes`.

    Args:
        seed: integer of at least 0, `keras.random.SeedGenerator` or None.
        steps_per_epoch: number of batches in an epoch, at least 1.

    Example:
        >>> import numpy as np
        >>> from zoo.datasets import Batches
        >>> from zoo.datasets.epochwise import EpochwiseDataset
        >>> isinstance(Batches(np.zeros((4, 2)), np.zeros(4)), EpochwiseDataset)
        True
    """

    def __init__(self, seed: Seed, steps_per_epoch: int):
        """Checks the numbers and draws the first epoch."""
        super().__init__()
        self.seed = as_integer(seed)
        self.steps_per_epoch = check_number("steps_per_epoch", steps_per_epoch, 1, integer=True)
        self._running, self._num_read = False, 0
        self._shown_indices = ()  # the variables from which `tf_dataset` reads the indices
        self._shard = (0, 1)
        self._take: Callable[[np.ndarray, Any], Any] = lambda array, rows: array[rows]
        self.epoch = 0

    def _draw(self) -> tuple[np.ndarray, ...]:
        """The current epoch's indices: for each set of examples, an array `(steps_per_epoch, batch_size)`."""
        raise NotImplementedError

    def _gather(self, take: Callable[[np.ndarray, Any], Any], *rows: Any) -> tuple[Any, Any]:
        """The batch `(inputs, targets)` of the given rows, which `take(array, rows)` reads."""
        raise NotImplementedError

    @property
    def _arrays(self) -> tuple[np.ndarray, ...]:
        raise NotImplementedError

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """The numbers of examples in a batch of a single process, one for each set of examples."""
        raise NotImplementedError

    @property
    def epoch(self) -> int:
        """Index of the current epoch, from 0. Set it to resume a run with the same batches."""
        return self._epoch

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self._epoch = check_number("epoch", epoch, 0, integer=True)
        self._indices = tuple(self._own_rows(indices) for indices in self._draw())
        for shown, indices in zip(self._shown_indices, self._indices, strict=False):
            shown.assign(indices)

    def shard(self, index: int, num_shards: int) -> Self:
        """Keeps one share of every batch, for one of several processes that train together.

        The shares in order make up the batch of a single process. A semi-supervised batch is divided twice: its
        labeled and its unlabeled inputs.

        Args:
            index: index of the share, 0 to `num_shards - 1`.
            num_shards: number of shares, at least 1.

        Returns:
            The object itself.

        Raises:
            ValueError: the batch size is not divisible by `num_shards`, or `index` is out of range.
        """
        check_number("num_shards", num_shards, 1, integer=True)
        for size in self.batch_sizes:
            if size % num_shards:
                raise ValueError(f"Batches of {size} examples cannot be cut into {num_shards} equal parts.")
        self._shard = check_number("index", index, 0, num_shards - 1, integer=True), num_shards
        self.epoch = self.epoch
        return self

    def _own_rows(self, indices: np.ndarray) -> np.ndarray:
        index, num_shards = self._shard
        return np.split(indices, num_shards, axis=1)[index]

    @property
    def num_batches(self) -> int:
        """Number of batches in an epoch, as Keras asks for it."""
        return self.steps_per_epoch

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        return self.steps_per_epoch

    def on_epoch_begin(self) -> None:
        """Starts to count the batches that Keras reads."""
        self._running, self._num_read = True, 0

    def on_epoch_end(self) -> None:
        """Advances the epoch if it was begun and read to its end.

        Keras also calls this before the first epoch, and after the one batch from which it builds a model.
        """
        if self._running and self._num_read >= self.steps_per_epoch:
            self.epoch += 1
        self._running = False

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """The batch of this index in the current epoch."""
        self._num_read += 1
        return self._gather(self._take, *(indices[index] for indices in self._indices))

    def endless(self) -> Iterator[tuple[Any, Any]]:
        """Yields the batches of one epoch after another, for a `fit` with its own `steps_per_epoch`."""
        while True:
            yield from (self[step] for step in range(len(self)))
            self.epoch += 1

    @property
    def num_bytes(self) -> int:
        """Memory that the arrays take, in bytes."""
        return sum(array.nbytes for array in self._arrays)

    def move_to_device(self) -> None:
        """Copies the arrays to JAX's device. From then on, only indices travel there for each batch."""
        import jax

        tensors = {id(array): jax.device_put(array) for array in self._arrays}
        gather = jax.jit(lambda tensor, rows: tensor[rows])
        self._take = lambda array, rows: gather(tensors[id(array)], rows)

    @functools.cached_property
    def tf_dataset(self) -> Any:
        """The batches as a `tf.data.Dataset`, which gathers them without Python.

        A pass reads the epoch that is current when the pass begins. It does not advance the epoch.
        """
        import tensorflow as tf

        with tf.device("CPU"):
            tensors = {id(array): tf.constant(array) for array in self._arrays}
            self._shown_indices = [tf.Variable(tf.constant(indices), trainable=False) for indices in self._indices]

        def batch(step):
            rows = [tf.gather(indices, step) for indices in self._shown_indices]
            return self._gather(lambda array, rows: tf.gather(tensors[id(array)], rows), *rows)

        # The autotuner's thread waits in doubling periods, which delayed the end of a short `fit`.
        options = tf.data.Options()
        options.autotune.enabled = False
        return tf.data.Dataset.range(len(self)).map(batch).prefetch(2).with_options(options)


@contextlib.contextmanager
def kept_epoch(batches: Any) -> Iterator[None]:
    """Restores the epoch of the zoo's batches after the block. Leaves other data alone.

    `evaluate` and `predict` use it: their passes over batches must not advance the epoch.

    Args:
        batches: `Batches`, `SemiSupervised`, or any other data.

    Example:
        >>> import numpy as np
        >>> from zoo.datasets import Batches
        >>> from zoo.datasets.epochwise import kept_epoch
        >>> batches = Batches(np.zeros((6, 2)), np.zeros(6), batch_size=3)
        >>> with kept_epoch(batches):
        ...     batches.epoch += 1
        >>> batches.epoch
        0
    """
    epoch = batches.epoch if isinstance(batches, EpochwiseDataset) else None
    try:
        yield
    finally:
        if epoch is not None and batches.epoch != epoch:
            batches.epoch = epoch


def draw_indices(num_examples: int, shape: tuple[int, int], key: tuple[int, ...]) -> np.ndarray:
    """Draws indices that run through fresh permutations of all examples.

    Args:
        num_examples: number of examples.
        shape: `(steps_per_epoch, batch_size)`.
        key: integers that determine the draw.

    Returns:
        Indices of this shape.

    Example:
        >>> from zoo.datasets.epochwise import draw_indices
        >>> sorted(draw_indices(4, (2, 2), key=(0, 1)).ravel().tolist())
        [0, 1, 2, 3]
    """
    rng = np.random.default_rng(key)
    rounds = math.ceil(math.prod(shape) / num_examples)
    indices = np.concatenate([rng.permutation(num_examples) for _ in range(rounds)])
    return indices[: math.prod(shape)].reshape(shape)
