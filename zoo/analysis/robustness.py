"""The errors of a trained classifier on clean and on attacked inputs."""

import keras
import numpy as np
from keras import ops

from zoo.analysis.attacks import ATTACKS
from zoo.analysis.estimate import Estimate
from zoo.analysis.moved_inputs import randomly_moved
from zoo.analysis.prediction_pass import map_batches, predict_logits
from zoo.validation import check_choice, check_number, class_indices

MOVEMENTS = ("shift", "rotation", "scale")
"""The kinds of real movement, for images; see `randomly_moved`."""


def misclassified(network, inputs, labels, *, batch_size=500):
    """Which inputs are classified wrongly: `(n,)` of booleans.

    Args:
        network: from inputs to logits.
        inputs: `(n, ...)`, as the network takes them.
        labels: `(n,)` class indices.
        batch_size: inputs at a time.
    """
    return map_batches(
        lambda x, y: ops.convert_to_numpy(predict_logits(network, x)).argmax(axis=-1) != y,
        inputs,
        class_indices(labels),
        batch_size=batch_size,
    )


def misclassified_under_attack(network, inputs, labels, attack, size, *, seed=0, input_range=None, batch_size=500):
    """Which inputs are classified wrongly after an attack on each of them.

    Args:
        network, inputs, labels, batch_size: as for `misclassified`; inputs in floating point.
        attack: a name in `ATTACKS` or `MOVEMENTS`.
        size: of the attack, at least 0: τ, ε or standard deviation, in units of the input; of movements as
            `randomly_moved` takes it.
        seed: of random noise and movements: the same for every network.
        input_range: `(low, high)` to which perturbed inputs are clipped, or None.

    Returns:
        `(n,)` of booleans.

    Raises:
        ValueError: an unknown attack, a size out of range.
    """
    check_choice("attack", attack, (*ATTACKS, *MOVEMENTS))
    check_number("size", size, 0)
    if attack in MOVEMENTS:
        moved = randomly_moved(np.asarray(inputs), attack, size, seed)
        return misclassified(network, moved, labels, batch_size=batch_size)
    generator = keras.random.SeedGenerator(seed)

    def of_batch(x, y):
        perturbed = ATTACKS[attack](network, ops.convert_to_tensor(x), y, size, generator, input_range)
        return misclassified(network, perturbed, y, batch_size=batch_size)

    return map_batches(of_batch, inputs, labels, batch_size=batch_size)


def attacked_error_percent(model, x, y, attack, size, *, seed=0, batch_size=500):
    """Classification error of a model under attack behind its preprocessing, in per cent.

    Args:
        model: `ObjectiveModel`.
        x: raw inputs, `(n, ...)`.
        y: class indices of them.
        attack, size, seed: as for `misclassified_under_attack`, in units of the preprocessed input.
        batch_size: inputs at a time.

    Returns:
        0 to 100.

    Raises:
        ValueError: an unknown attack, or a size out of range.
    """
    inputs = map_batches(lambda x: model.prepare(ops.convert_to_tensor(x), training=False)[0], x, batch_size=batch_size)
    options = {"seed": seed, "batch_size": batch_size}
    attacked = misclassified_under_attack(model.network, inputs, np.ravel(y), attack, size, **options)
    return 100 * float(np.mean(attacked))


def generalization_gap(network, train, test, *, batch_size=500):
    """Test error minus training error.

    Args:
        network: from inputs to logits.
        train, test: pairs of inputs and class indices.
        batch_size: inputs at a time.

    Returns:
        An `Estimate`, −1 to 1.
    """
    on_test, on_train = (Estimate.of(misclassified(network, *split, batch_size=batch_size)) for split in (test, train))
    return on_test.difference(on_train)
