"""The clean pass of a trained network in prediction mode."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from zoo.analysis.classifier import as_classifier
from zoo.analysis.labels import losses_of, targets_of
from zoo.analysis.logits import Prediction
from zoo.analysis.perturbed_network import PerturbedNetwork
from zoo.backend.derivatives import linearize
from zoo.backend.random_numbers import Seed, as_generator
from zoo.regularizers.clean_pass import CleanPass
from zoo.regularizers.regularizer import Regularizer
from zoo.training.perturb_checks import check_terms

Tensor = Any  # a tensor of the backend, or a NumPy array


def predict_logits(network: Callable[..., Tensor], inputs: Any) -> Tensor:
    """The logits of a network in prediction mode, in at least single precision.

    Networks that end in softmax or in sigmoid units, and compiled models whose loss takes probabilities, give the
    logits of their probabilities, see `Classifier`. One unit for two classes becomes two logits `(0, h)`.

    Args:
        network: Keras network, or any function.
        inputs: as the network takes them: `(n, ...)`, or several in a dictionary, list or tuple.

    Returns:
        `(n, k)`, or `(n, ..., k)` for dense outputs.

    Example:
        >>> network = zoo.networks.mlp((4,), num_classes=3, dropout=0.5)
        >>> zoo.analysis.predict_logits(network, np.zeros((2, 4))).shape.as_list()
        [2, 3]
    """
    return as_classifier(network)(inputs)


def _given(labels):
    if labels is None:
        raise ValueError("A measure of the loss needs labels, received labels=None.")
    return labels


def pass_at(at: PerturbedNetwork, tensor: Tensor, labels: Any = None, *, seed: Seed = 0) -> CleanPass:
    """The pass at any value of the tensor that moves.

    Args:
        at: network at a batch of inputs.
        tensor: `(n, ...)`.
        labels: as for `prediction_pass`.
        seed: as for `prediction_pass`.

    Example:
        >>> from zoo.analysis.classifier import as_classifier
        >>> from zoo.analysis.prediction_pass import pass_at
        >>> at = as_classifier(lambda x: keras.ops.square(x)).at(np.ones((1, 2)))
        >>> np.asarray(pass_at(at, at.tensor + 1.0).logits)
        array([[4., 4.]])
    """
    distributions: list[str] = []  # known after the pass

    def run(x):
        found = at.predict(x)
        distributions.append(found.distribution)
        return found.logits, found.mask

    def losses(logits):
        rows = None if mask is None else mask[: ops.shape(logits)[0]]
        return losses_of(Prediction(logits, distribution, rows), _given(labels))

    def forward(x, weights=()):
        with keras.StatelessScope(state_mapping=list(weights)) if weights else contextlib.nullcontext():
            return at.predict(x).logits

    linear = linearize(run, tensor)
    distribution, mask = distributions[-1], linear.aux
    return CleanPass(
        inputs=tensor,
        logits=linear.outputs,
        forward=forward,
        variables=getattr(at.classifier.network, "variables", ()),
        losses=losses,
        targets_of=lambda: targets_of(Prediction(linear.outputs, distribution), _given(labels)),
        num_labeled=ops.shape(tensor)[0],
        distribution=distribution,
        jvp=linear.jvp,
        vjp=linear.vjp,
        compute_dtype=getattr(at.classifier.network, "compute_dtype", keras.backend.standardize_dtype(tensor.dtype)),
        seed=as_generator(seed),
        moved=at.moved,
        mask=mask,
    )


def prediction_pass(
    network: Callable[..., Tensor],
    inputs: Any,
    labels: Any = None,
    *,
    seed: Seed = 0,
    terms: Sequence[Regularizer] = (),
) -> CleanPass:
    """The pass over one batch, for the penalty of any regularizer and for products with the Jacobian.

    Args:
        network: Keras network, `Classifier` or any function.
        inputs: as the network takes them: `(n, ...)`, or several in a dictionary, list or tuple. Integers are cast to
            floating point, except those that the network declares as integers, and those among several inputs.
        labels: class indices, `(n,)`, or one-hot rows, `(n, k)`, with an entry or row for each position of dense
            outputs; 0 or 1 for each label of a multi-label network, `(n, k)`; or None if nothing needs the loss.
        seed: integer, `keras.random.SeedGenerator` or None, for the random numbers of penalties.
        terms: the penalties that are to see the pass.

    Returns:
        A `CleanPass`. Its loss raises `ValueError` if there are no labels.

    Raises:
        ValueError: no derivative runs from what moves to the logits, or a penalty needs a lattice or a range that it
            does not have.

    Example:
        >>> from zoo.analysis.prediction_pass import prediction_pass
        >>> clean_pass = prediction_pass(zoo.networks.mlp((4,), 3), np.zeros((2, 4), "float32"), labels=[0, 2])
        >>> clean_pass.loss_gradient.shape.as_list()
        [2, 4]
    """
    at = as_classifier(network).at(inputs)
    at.check_reached()
    check_terms(terms, at.perturbed)
    return pass_at(at, at.tensor, labels, seed=seed)


def loss_gradient(network: Callable[..., Tensor], inputs: Any, labels: Any) -> Tensor:
    """The gradient `∂L/∂x` of each example's cross-entropy in what moves, in prediction mode.

    L is Keras's loss: over the positions of dense outputs and over several labels it is the mean.

    Args:
        network: Keras network, `Classifier` or any function.
        inputs: as for `predict_logits`, in floating point.
        labels: class indices or one-hot rows; 0 or 1 for each label of a multi-label network.

    Returns:
        `(n, ...)`, in the shape of the input. Of several inputs the gradient in the joint vector, `(n, entries)`; of
        named layers that in what they return.

    Raises:
        ValueError: `labels` is None or does not suit the network.

    Example:
        >>> network = lambda x: keras.ops.matmul(x, np.diag([1.0, 1.0]))
        >>> np.asarray(zoo.analysis.loss_gradient(network, np.array([[0.0, 0.0]]), [0]))
        array([[-0.5,  0.5]])
    """
    classifier = as_classifier(network)
    labels = None if labels is None else classifier.labels(inputs, labels)
    return prediction_pass(classifier, inputs, labels).loss_gradient
