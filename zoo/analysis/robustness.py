"""The errors of a trained classifier on clean and on attacked inputs."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.analysis.attacks import ATTACKS
from zoo.analysis.estimate import Estimate
from zoo.analysis.moved_inputs import randomly_moved
from zoo.analysis.prediction_pass import map_batches, predict_logits, with_batch_statistics
from zoo.backend.random_numbers import Seed, as_generator
from zoo.validation import check_choice, check_number, class_indices

Tensor = Any  # a tensor of the backend

MOVEMENTS = ("shift", "rotation", "scale")
"""The kinds of real movement for images, see `randomly_moved`."""
STATISTICS = ("moving", "batch")


def misclassified(network: Callable[..., Tensor], inputs: Any, labels: Any, *, batch_size: int = 500) -> np.ndarray:
    """Which inputs a network misclassifies.

    Args:
        network: Keras network from inputs to logits.
        inputs: `(n, ...)`, as the network takes them.
        labels: class indices, `(n,)`.
        batch_size: number of inputs at a time.

    Returns:
        Booleans, `(n,)`.

    Raises:
        ValueError: there is no input, or the labels are not class indices or not as many.

    Example:
        >>> network = lambda x: keras.ops.matmul(x, np.diag([1.0, 1.0]))
        >>> zoo.analysis.misclassified(network, np.array([[2.0, 1.0], [0.0, 1.0]]), [0, 0])
        array([False,  True])
    """
    return map_batches(
        lambda x, y: ops.convert_to_numpy(predict_logits(network, x)).argmax(axis=-1) != y,
        inputs,
        class_indices(labels),
        batch_size=batch_size,
    )


def misclassified_under_attack(
    network: Callable[..., Tensor],
    inputs: Any,
    labels: Any,
    attack: str,
    epsilon: float,
    *,
    seed: Seed = 0,
    input_range: tuple[float, float] | None = None,
    batch_size: int = 500,
    statistics: str = "moving",
) -> np.ndarray:
    """Which inputs a network misclassifies after an attack on each of them.

    With `statistics="batch"` the attack takes its gradients through the statistics of its own batch. Such gradients
    miss the classifier, which predicts with moving averages. The attack is therefore weak and is no measure of
    robustness. The thesis of Maroñas Molano reports this one.

    Args:
        network: Keras network from inputs to logits.
        inputs: `(n, ...)`, in floating point, as the network takes them.
        labels: class indices, `(n,)`.
        attack: a name in `ATTACKS` or `MOVEMENTS`.
        epsilon: size of the attack, at least 0, in units of the input. For `"gaussian_noise"` it is the standard
            deviation of the noise, for movements the `size` that `randomly_moved` takes.
        seed: integer, `keras.random.SeedGenerator` or None. With an integer every network sees the same noise and
            movements.
        input_range: `(low, high)` to which perturbed inputs are clipped, or None. Movements ignore it.
        batch_size: number of inputs at a time.
        statistics: statistics of batch normalization in the network that is attacked: `"moving"` (averages, as in
            prediction) or `"batch"`. The attacked inputs are always classified with moving averages.

    Returns:
        Booleans, `(n,)`.

    Raises:
        TypeError: `epsilon` is not a number, or `statistics="batch"` and the network is a plain function.
        ValueError: an unknown attack, unknown statistics, or a negative `epsilon`.

    Example:
        >>> network = lambda x: keras.ops.matmul(x, np.diag([1.0, 1.0]))
        >>> x = np.array([[2.0, 1.0], [1.1, 1.0]])
        >>> zoo.analysis.misclassified_under_attack(network, x, [0, 0], "sign", 0.25)
        array([False,  True])
    """
    check_choice("attack", attack, (*ATTACKS, *MOVEMENTS))
    check_choice("statistics", statistics, STATISTICS)
    check_number("epsilon", epsilon, 0)
    if attack in MOVEMENTS:
        moved = randomly_moved(np.asarray(inputs), attack, epsilon, seed)
        return misclassified(network, moved, labels, batch_size=batch_size)
    generator = as_generator(seed)
    attacked = with_batch_statistics(network) if statistics == "batch" else network

    def of_batch(x, y):
        perturbed = ATTACKS[attack](attacked, ops.convert_to_tensor(x), y, epsilon, generator, input_range)
        return misclassified(network, perturbed, y, batch_size=batch_size)

    return map_batches(of_batch, inputs, labels, batch_size=batch_size)


def attacked_error_percent(
    model: Any,
    x: Any,
    y: Any,
    attack: str,
    epsilon: float,
    *,
    seed: Seed = 0,
    batch_size: int = 500,
    statistics: str = "moving",
) -> float:
    """The classification error of a model whose preprocessed inputs are attacked, in percent.

    Args:
        model: `RegularizedModel` or `LadderNetwork`.
        x: raw inputs, `(n, ...)`.
        y: class indices, `(n,)`.
        attack: a name in `ATTACKS` or `MOVEMENTS`.
        epsilon: size of the attack, see `misclassified_under_attack`, in units of the preprocessed input.
        seed: integer, `keras.random.SeedGenerator` or None, for random noise and movements.
        batch_size: number of inputs at a time.
        statistics: statistics of batch normalization in the attacked network, see `misclassified_under_attack`.

    Returns:
        0 to 100.

    Raises:
        TypeError: `epsilon` is not a number.
        ValueError: an unknown attack, unknown statistics, or a negative `epsilon`.

    Example:
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((4,), num_classes=3, hidden_units=()))
        >>> x, y = np.random.normal(size=(50, 4)).astype("float32"), np.arange(50) % 3
        >>> error = zoo.analysis.attacked_error_percent(model, x, y, "gaussian_noise", 0.1)
        >>> 0 <= error <= 100
        True
    """
    inputs = map_batches(lambda x: model.prepare(ops.convert_to_tensor(x), training=False)[0], x, batch_size=batch_size)
    options: dict[str, Any] = {"seed": seed, "batch_size": batch_size, "statistics": statistics}
    attacked = misclassified_under_attack(model.network, inputs, np.ravel(y), attack, epsilon, **options)
    return 100 * float(np.mean(attacked))


def cross_entropies(network: Callable[..., Tensor], inputs: Any, labels: Any, *, batch_size: int = 500) -> np.ndarray:
    """The cross-entropy of each example in prediction mode.

    Args:
        network: Keras network from inputs to logits.
        inputs: `(n, ...)`, as the network takes them.
        labels: class indices, `(n,)`.
        batch_size: number of inputs at a time.

    Returns:
        `(n,)`, in nats.

    Example:
        >>> from zoo.analysis.robustness import cross_entropies
        >>> cross_entropies(lambda x: x * 1.0, np.array([[0.0, 0.0]]), [1]).round(4)
        array([0.6931])
    """
    losses = keras.losses.sparse_categorical_crossentropy
    return map_batches(
        lambda x, y: losses(ops.convert_to_tensor(y), predict_logits(network, x), from_logits=True),
        inputs,
        class_indices(labels),
        batch_size=batch_size,
    )


def generalization_gap(
    network: Callable[..., Tensor],
    train: tuple[Any, Any],
    test: tuple[Any, Any],
    *,
    measure: str = "error",
    batch_size: int = 500,
) -> Estimate:
    """The test error minus the training error, as shares of the examples; or the test loss minus the training loss.

    Args:
        network: Keras network from inputs to logits.
        train: pair of inputs `(n, ...)` and class indices `(n,)`.
        test: pair of inputs and class indices.
        measure: `"error"`, or `"loss"` for the cross-entropy, as in the paper.
        batch_size: number of inputs at a time.

    Returns:
        An `Estimate`: −1 to 1 for errors, in nats for losses.

    Raises:
        ValueError: `measure` is unknown.

    Source: "Regularization neural networks via constrained virtual movement field", anonymous submission to ICLR 2018,
    equation 22, with losses.

    Example:
        >>> network = lambda x: keras.ops.matmul(x, np.diag([1.0, 1.0]))
        >>> x = np.array([[2.0, 1.0], [1.1, 1.0]])
        >>> zoo.analysis.generalization_gap(network, (x, [0, 0]), (x, [0, 1])).mean
        np.float64(0.5)
    """
    values = {"error": misclassified, "loss": cross_entropies}[check_choice("measure", measure, ("error", "loss"))]
    on_test, on_train = (Estimate.of(values(network, *split, batch_size=batch_size)) for split in (test, train))
    return on_test.difference(on_train)
