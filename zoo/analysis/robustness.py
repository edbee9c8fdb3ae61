"""The errors of a trained classifier under attack."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.analysis.attacks import ATTACKS
from zoo.analysis.attacks.inputs import AttackedInputs
from zoo.analysis.batches import map_batches
from zoo.analysis.classifier import STATISTICS, Classifier, as_classifier
from zoo.analysis.errors import misclassified
from zoo.analysis.labels import errors_of
from zoo.analysis.moved_inputs import randomly_moved
from zoo.analysis.units import attacked
from zoo.backend.random_numbers import Seed, as_generator
from zoo.datasets.arrays import as_inputs, num_rows
from zoo.training.perturb_checks import check_lattice
from zoo.training.perturbed_layers import layer_names
from zoo.validation import check_choice, check_number

Tensor = Any  # a tensor of the backend

BATCHED = ("apgd", "fab", "square", "autoattack")
MOVEMENTS = ("shift", "rotation", "scale")
"""The kinds of real movement for images, see `randomly_moved`."""


def misclassified_under_attack(
    network: Callable[..., Tensor],
    inputs: Any,
    labels: Any,
    attack: str,
    epsilon: float,
    *,
    seed: Seed = 0,
    input_range: Any = None,
    batch_size: int = 500,
    statistics: str = "moving",
    verbose: int = 0,
    **options: Any,
) -> np.ndarray:
    """Which inputs a network misclassifies after an attack on each of them.

    A network that decides more than once for each example has the share of its wrong decisions, see `misclassified`.

    With `statistics="batch"` the attack takes its gradients through the statistics of its own batch. Such gradients
    miss the classifier, which predicts with moving averages. The attack is therefore weak and is no measure of
    robustness. The thesis of Maroñas Molano reports this one.

    Args:
        network: Keras network from inputs to logits, or to what `Classifier` recognizes.
        inputs: as the network takes them: `(n, ...)`, or several in a dictionary, list or tuple.
        labels: as for `misclassified`.
        attack: a name in `ATTACKS` or `MOVEMENTS`.
        epsilon: size of the attack, at least 0, in units of the input. For `"gaussian_noise"` it is the standard
            deviation of the noise, for movements the `size` that `randomly_moved` takes.
        seed: integer, `keras.random.SeedGenerator` or None. With an integer every network sees the same noise and
            movements.
        input_range: `(low, high)` to which perturbed inputs are clipped, `{name: (low, high)}` of several inputs, or
            None: 0 to 255 for inputs in uint8, else no bounds. Movements ignore it.
        batch_size: number of inputs at a time, at least 1.
        statistics: statistics of batch normalization in the network that is attacked: `"moving"` (averages, as in
            prediction) or `"batch"`. The attacked inputs are always classified with moving averages.
        verbose: 1 shows a progress bar, 0 does not. Movements show none.
        **options: further arguments of the attack, such as `num_steps`; of movements those of `randomly_moved`.

    Returns:
        Booleans, `(n,)`; or shares from 0 to 1, `(n,)`.

    Raises:
        TypeError: `epsilon` is not a number, there is an option `norm`, or `statistics="batch"` and the network is a
            plain function.
        ValueError: an unknown attack, unknown statistics, a negative `epsilon`, labels that do not suit the network, or
            a network that the attack does not take; or batch statistics for an attack that makes its own batches or
            moves what layers return.

    Example:
        >>> network = lambda x: keras.ops.matmul(x, np.diag([1.0, 1.0]))
        >>> x = np.array([[2.0, 1.0], [1.1, 1.0]])
        >>> zoo.analysis.misclassified_under_attack(network, x, [0, 0], "sign", 0.25)
        array([False,  True])
    """
    _check(attack, epsilon, statistics, batch_size, options)
    classifier, inputs = as_classifier(network), as_inputs(inputs)
    labels, generator = classifier.labels_at_output(labels), as_generator(seed)
    if np.ndim(labels) > 1 and num_rows(inputs):  # an attack may fill padding, which does not count nevertheless
        labels = classifier.labels(inputs, labels, batch_size=batch_size)
    victim = _with_batch_statistics(classifier, attack) if statistics == "batch" else _as_victim(network, classifier)

    def perturbed(x, y):
        if attack in MOVEMENTS:
            return _moved(victim, x, attack, epsilon, seed, batch_size, options)
        return ATTACKS[attack](victim, x, y, epsilon, generator, input_range, **options)

    # Iterated attacks make their own batches, of the inputs that still resist. Movements draw for all inputs at once.
    at_once = attack in MOVEMENTS or attack.startswith(BATCHED)
    if attack.startswith(BATCHED):
        options |= {"batch_size": batch_size, "verbose": verbose}
    bar = keras.utils.Progbar(num_rows(inputs), unit_name="input") if verbose and not at_once else None

    def of_batch(x, y):
        errors = _errors_at(classifier, x, perturbed(x, y), y, batch_size)
        if bar:
            bar.add(len(errors))
        return errors

    return map_batches(of_batch, inputs, labels, batch_size=max(num_rows(inputs) if at_once else batch_size, 1))


def _check(attack, epsilon, statistics, batch_size, options):
    """Refuses what does not depend on the network."""
    check_choice("attack", attack, (*ATTACKS, *MOVEMENTS))
    check_choice("statistics", statistics, STATISTICS)
    check_number("epsilon", epsilon, 0)
    check_number("batch_size", batch_size, 1, integer=True)
    if "norm" in options:
        raise TypeError(f"The name of the attack says the norm, received {attack!r} and norm={options['norm']!r}.")


def _as_victim(network: Any, classifier: Classifier) -> Any:
    """What attacks see: one object for all batches, so that they share one compiled program."""
    return network if isinstance(network, keras.Layer) else classifier


def _with_batch_statistics(classifier: Classifier, attack: str) -> Classifier:
    """The classifier as an attack through batch statistics sees it."""
    if attack.startswith(BATCHED):
        raise ValueError(
            f"The attack {attack!r} changes its batches as it proceeds, so statistics must be 'moving', received "
            "'batch'."
        )
    if layer_names(classifier.perturb):
        raise ValueError(f"With statistics='batch' attacks move inputs, received perturb={classifier.perturb!r}.")
    return classifier.with_statistics("batch")


def _moved(network, inputs, kind, size, seed, batch_size, options):
    """The inputs, or what layers return, moved at random."""
    given = AttackedInputs(network, inputs, batch_size=batch_size)
    check_lattice(f"The attack {kind!r}", given.at.perturbed)
    return given.restored(randomly_moved(ops.convert_to_numpy(given.clean), kind, size, seed, **options))


def _errors_at(classifier: Classifier, inputs: Any, perturbed: Any, labels: Any, batch_size: int) -> np.ndarray:
    """The errors at perturbed inputs, or at the inputs with other outputs of the layers that move."""
    if not layer_names(classifier.perturb):
        return misclassified(classifier, perturbed, labels, batch_size=batch_size)

    def of_batch(x, tensor, y):
        return errors_of(classifier.at(x).predict(ops.convert_to_tensor(tensor)), y)

    return map_batches(of_batch, inputs, perturbed, labels, batch_size=batch_size)


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
    verbose: int = 0,
    **options: Any,
) -> float:
    """The classification error of a model under attack, in percent: the mean of `misclassified_under_attack`.

    Args:
        model: `RegularizedModel`, `LadderNetwork` or any `keras.Model`; or a `Classifier` of one.
        x: raw inputs, `(n, ...)`, or several in a dictionary, list or tuple.
        y: labels, as for `misclassified`.
        attack: a name in `ATTACKS` or `MOVEMENTS`.
        epsilon: size of the attack, see `misclassified_under_attack`.
        units: unit of `epsilon`: `"pixels"` (from 0 to 1, so `8/255` is eight steps of a byte) or `"preprocessed"`
            (unit of the preprocessed inputs, or of the layers that move). None means pixels for images, and
            preprocessed inputs for others. See `attacked`.
        clip: whether perturbed images stay in the range of pixels.
        seed: integer, `keras.random.SeedGenerator` or None, for random noise and movements.
        batch_size: number of inputs at a time.
        statistics: statistics of batch normalization in the attacked network, see `misclassified_under_attack`.
        verbose: 1 shows a progress bar, 0 does not.
        **options: further arguments of the attack, such as `num_steps`.

    Returns:
        0 to 100.

    Raises:
        TypeError: `epsilon` is not a number.
        ValueError: as for `misclassified_under_attack`, or units that do not suit the inputs.

    Example:
        >>> model = zoo.RegularizedModel(zoo.networks.mlp((4,), num_classes=3, hidden_units=()))
        >>> x, y = np.random.normal(size=(50, 4)).astype("float32"), np.arange(50) % 3
        >>> error = zoo.analysis.attacked_error_percent(model, x, y, "gaussian_noise", 0.1)
        >>> 0 <= error <= 100
        True
    """
    network, inputs, input_range = attacked(model, x, units=units, clip=clip)
    options |= {"seed": seed, "batch_size": batch_size, "input_range": input_range, "statistics": statistics}
    options["verbose"] = verbose
    return 100 * float(np.mean(misclassified_under_attack(network, inputs, y, attack, epsilon, **options)))
