"""The errors and the losses of a trained classifier on given inputs."""

from collections.abc import Callable
from typing import Any

import numpy as np

from zoo.analysis.batches import map_batches
from zoo.analysis.classifier import as_classifier
from zoo.analysis.estimate import Estimate
from zoo.analysis.labels import as_labels, errors_of, losses_of
from zoo.validation import check_choice

Tensor = Any  # a tensor of the backend


def misclassified(network: Callable[..., Tensor], inputs: Any, labels: Any, *, batch_size: int = 500) -> np.ndarray:
    """Which inputs a network misclassifies.

    A network that decides more than once for each example has the share of its wrong decisions: of the labels, if it is
    multi-label (1 minus Keras's `BinaryAccuracy`, the Hamming loss); of the positions, if its outputs are dense.

    Args:
        network: Keras network from inputs to logits, or to what `Classifier` recognizes.
        inputs: as the network takes them: `(n, ...)`, or several in a dictionary, list or tuple.
        labels: class indices, `(n,)`, or one-hot rows, with an entry or row for each position of dense outputs; 0 or 1
            for each label of a multi-label network, `(n, k)`.
        batch_size: number of inputs at a time.

    Returns:
        Booleans, `(n,)`; or shares from 0 to 1, `(n,)`.

    Raises:
        ValueError: there is no input, or the labels do not suit the network or are not as many.

    Example:
        >>> network = lambda x: keras.ops.matmul(x, np.diag([1.0, 1.0]))
        >>> zoo.analysis.misclassified(network, np.array([[2.0, 1.0], [0.0, 1.0]]), [0, 0])
        array([False,  True])
        >>> several = zoo.analysis.Classifier(network, outputs="multilabel_logits")
        >>> zoo.analysis.misclassified(several, np.array([[2.0, -1.0]]), [[1, 1]])
        array([0.5], dtype=float32)
    """
    classifier = as_classifier(network)
    labels = classifier.labels_at_output(labels)
    return map_batches(lambda x, y: errors_of(classifier.predict(x), y), inputs, labels, batch_size=batch_size)


def cross_entropies(network: Callable[..., Tensor], inputs: Any, labels: Any, *, batch_size: int = 500) -> np.ndarray:
    """The cross-entropy of each example in prediction mode: over positions and over several labels the mean.

    Args:
        network: Keras network from inputs to logits, or to what `Classifier` recognizes.
        inputs: as for `misclassified`.
        labels: as for `misclassified`.
        batch_size: number of inputs at a time.

    Returns:
        `(n,)`, in nats.

    Example:
        >>> from zoo.analysis.errors import cross_entropies
        >>> cross_entropies(lambda x: x * 1.0, np.array([[0.0, 0.0]]), [1]).round(4)
        array([0.6931])
    """
    classifier = as_classifier(network)

    def of_batch(x, y):
        prediction = classifier.predict(x)
        return losses_of(prediction, as_labels(y, prediction))

    return map_batches(of_batch, inputs, classifier.labels_at_output(labels), batch_size=batch_size)


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
        network: Keras network from inputs to logits, or to what `Classifier` recognizes.
        train: pair of inputs and labels, as for `misclassified`.
        test: pair of inputs and labels.
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
