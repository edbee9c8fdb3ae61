"""The errors of a trained classifier on clean and on attacked inputs."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.analysis.attacks import ATTACKS
from zoo.analysis.classifier import STATISTICS, Classifier, attacked
from zoo.analysis.estimate import Estimate
from zoo.analysis.moved_inputs import randomly_moved
from zoo.analysis.prediction_pass import map_batches, predict_logits
from zoo.backend.random_numbers import Seed, as_generator
from zoo.validation import check_choice, check_number, class_indices

Tensor = Any  # a tensor of the backend

BATCHED = ("apgd", "fab", "square", "autoattack")
MOVEMENTS = ("shift", "rotation", "scale")
"""The kinds of real movement for images, see `randomly_moved`."""


def misclassified(network: Callable[..., Tensor], inputs: Any, labels: Any, *, batch_size: int = 500) -> np.ndarray:
    """Which inputs a network misclassifies.

    Args:
        network: Keras network from inputs to logits, or to what `Classifier` recognizes.
        inputs: `(n, ...)`, as the network takes them.
        labels: class indices, `(n,)`, or one-hot rows.
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
        lambda x, y: _decisions(network, x) != y,
        inputs,
        class_indices(labels),
        batch_size=batch_size,
    )


def _decisions(network: Callable[..., Tensor], inputs: Any) -> np.ndarray:
    """The likeliest class of each input, `(n,)`."""
    logits = predict_logits(network, inputs)
    if logits.shape[-1] < 2:
        raise ValueError(
            "A decision needs logits of at least 2 classes, received 1. If the one unit decides between two classes, "
            'pass zoo.analysis.Classifier(network, outputs="binary_logits"), or compile the model with its '
            "BinaryCrossentropy."
        )
    return ops.convert_to_numpy(logits).argmax(axis=-1)


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
    **options: Any,
) -> np.ndarray:
    """Which inputs a network misclassifies after an attack on each of them.

    With `statistics="batch"` the attack takes its gradients through the statistics of its own batch. Such gradients
    miss the classifier, which predicts with moving averages. The attack is therefore weak and is no measure of
    robustness. The thesis of Maroñas Molano reports this one.

    Args:
        network: Keras network from inputs to logits, or to what `Classifier` recognizes.
        inputs: `(n, ...)`, as the network takes them.
        labels: class indices, `(n,)`, or one-hot rows.
        attack: a name in `ATTACKS` or `MOVEMENTS`.
        epsilon: size of the attack, at least 0, in units of the input. For `"gaussian_noise"` it is the standard
            deviation of the noise, for movements the `size` that `randomly_moved` takes.
        seed: integer, `keras.random.SeedGenerator` or None. With an integer every network sees the same noise and
            movements.
        input_range: `(low, high)` to which perturbed inputs are clipped, or None: 0 to 255 for inputs in uint8, else no
            bounds. Movements ignore it.
        batch_size: number of inputs at a time.
        statistics: statistics of batch normalization in the network that is attacked: `"moving"` (averages, as in
            prediction) or `"batch"`. The attacked inputs are always classified with moving averages.
        **options: further arguments of the attack, such as `num_steps`. Movements take none.

    Returns:
        Booleans, `(n,)`.

    Raises:
        TypeError: `epsilon` is not a number, or `statistics="batch"` and the network is a plain function.
        ValueError: an unknown attack, unknown statistics, a negative `epsilon`, or batch statistics for an attack that
            makes its own batches.

    Example:
        >>> network = lambda x: keras.ops.matmul(x, np.diag([1.0, 1.0]))
        >>> x = np.array([[2.0, 1.0], [1.1, 1.0]])
        >>> zoo.analysis.misclassified_under_attack(network, x, [0, 0], "sign", 0.25)
        array([False,  True])
    """
    check_choice("attack", attack, (*ATTACKS, *MOVEMENTS))
    check_choice("statistics", statistics, STATISTICS)
    check_number("epsilon", epsilon, 0)
    if statistics == "batch" and attack.startswith(BATCHED):
        raise ValueError(
            f"The attack {attack!r} changes its batches as it proceeds, so statistics must be 'moving', received "
            "'batch'."
        )
    labels = class_indices(labels)
    if attack in MOVEMENTS:
        moved = randomly_moved(np.asarray(inputs), attack, epsilon, seed)
        return misclassified(network, moved, labels, batch_size=batch_size)
    generator = as_generator(seed)
    if not isinstance(network, Classifier) and (statistics == "batch" or not isinstance(network, keras.Layer)):
        network = Classifier(network)  # so that all batches share one compiled program
    victim = network.with_statistics("batch") if statistics == "batch" else network

    def of_batch(x, y):
        perturbed = ATTACKS[attack](victim, ops.convert_to_tensor(x), y, epsilon, generator, input_range, **options)
        return misclassified(network, perturbed, y, batch_size=batch_size)

    # Iterated attacks make their own batches, of the inputs that still resist.
    attack_size = len(inputs) if attack.startswith(BATCHED) else batch_size
    if attack.startswith(BATCHED):
        options["batch_size"] = batch_size
    return map_batches(of_batch, inputs, labels, batch_size=max(attack_size, 1))


def attacked_error_percent(
    model: Any,
    x: Any,
    y: Any,
    attack: str,
    epsilon: float,
    *,
    units: str | None = None,
    clip: bool = True,
    seed: Seed = 0,
    batch_size: int = 500,
    statistics: str = "moving",
    **options: Any,
) -> float:
    """The classification error of a model under attack, in percent.

    Args:
        model: `RegularizedModel`, `LadderNetwork` or any `keras.Model`, which may return logits, probabilities or one
            unit for two classes.
        x: raw inputs, `(n, ...)`.
        y: class indices, `(n,)`, or one-hot rows.
        attack: a name in `ATTACKS` or `MOVEMENTS`.
        epsilon: size of the attack, see `misclassified_under_attack`.
        units: unit of `epsilon`: `"pixels"` (from 0 to 1, so `8/255` is eight steps of a byte) or `"preprocessed"`
            (unit of the preprocessed inputs). None means pixels for images, and preprocessed inputs for others.
        clip: whether perturbed images stay in the range of pixels.
        seed: integer, `keras.random.SeedGenerator` or None, for random noise and movements.
        batch_size: number of inputs at a time.
        statistics: statistics of batch normalization in the attacked network, see `misclassified_under_attack`.
        **options: further arguments of the attack, such as `num_steps`.

    Returns:
        0 to 100.

    Raises:
        TypeError: `epsilon` is not a number.
        ValueError: an unknown attack, unknown statistics, a negative `epsilon`, or units that do not suit the inputs.

    Example:
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((4,), num_classes=3, hidden_units=()))
        >>> x, y = np.random.normal(size=(50, 4)).astype("float32"), np.arange(50) % 3
        >>> error = zoo.analysis.attacked_error_percent(model, x, y, "gaussian_noise", 0.1)
        >>> 0 <= error <= 100
        True
    """
    network, inputs, input_range = attacked(model, x, units=units, clip=clip)
    options |= {"seed": seed, "batch_size": batch_size, "input_range": input_range, "statistics": statistics}
    return 100 * float(np.mean(misclassified_under_attack(network, inputs, y, attack, epsilon, **options)))


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
