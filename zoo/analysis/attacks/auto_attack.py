"""AutoAttack: four attacks, each on the inputs that have resisted so far."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.analysis.attacks.auto_pgd import run_auto_pgd
from zoo.analysis.attacks.fast_adaptive_boundary import run_fast_adaptive_boundary
from zoo.analysis.attacks.inputs import network_at
from zoo.analysis.attacks.objectives import ascent, check_decides_once, cross_entropy
from zoo.analysis.attacks.progress import progress_bar
from zoo.analysis.attacks.square import run_square
from zoo.analysis.attacks.task import Task
from zoo.backend.random_numbers import Seed, as_generator
from zoo.regularizers.math import per_example
from zoo.validation import check_choice, check_number

Tensor = Any  # a tensor of the backend, or a NumPy array

STANDARD = ("apgd_ce", "apgd_t", "fab_t", "square")
NUM_TARGETS = 9
SHARE_WITHOUT_GRADIENT = 0.05  # of the inputs, above which the attack warns


def warn_of_unsuitable_networks(task: Task) -> None:
    """Warns if the figures of gradient attacks would mislead.

    Args:
        task: of the attack.

    Warns:
        RuntimeWarning: two passes over the same inputs differ; the outputs are probabilities; many gradients are zero;
            or there are too few classes for the difference of logits ratio.
    """
    messages = []
    rows = np.arange(task.batch_size)
    logits = task.prediction.logits[rows]
    if not np.allclose(task.predict(task.clean[rows], rows).logits, logits, rtol=1e-4, atol=1e-4):
        messages.append(
            "The network is random: two passes over the same inputs differ. The attacks need the expectation over its "
            "noise, so the true error is larger."
        )
    if logits.min() >= 0 and np.allclose(logits.sum(axis=-1), 1, atol=1e-4):
        messages.append(
            "The network returns probabilities. Gradients of softmax vanish, so the true error is larger. Pass the "
            "logits, or zoo.analysis.Classifier(network, outputs='probabilities')."
        )
    missing = float(np.mean(~_has_gradient(task, rows)))
    if missing > SHARE_WITHOUT_GRADIENT:
        messages.append(
            f"The gradient is zero for {100 * missing:.0f} % of the inputs. The network hides its gradients, and only "
            "the square attack can find its errors."
        )
    if task.num_classes < 4:
        messages.append(
            f"The targeted difference of logits ratio needs 4 classes, received {task.num_classes}. The difference "
            "itself takes its place."
        )
    for message in messages:
        warnings.warn(message, RuntimeWarning, stacklevel=3)


def _has_gradient(task: Task, rows: np.ndarray) -> np.ndarray:
    """For each of some examples whether the gradient of its cross-entropy is not zero."""

    def make(network):
        def found(constants):
            x, labels = constants["clean"], constants["labels"]
            at = network_at(network, x, constants["rest"])
            _, _, gradient = ascent(lambda x: at.predict(x).logits, lambda logits: cross_entropy(logits, labels), x)
            return ops.any(per_example.flatten(gradient) != 0, axis=-1)

        return found

    program = task.program("has_gradient", make)
    ((part, size),) = task.batches(len(rows))
    constants = keras.tree.map_structure(ops.convert_to_tensor, task.constants(rows[part]))
    return ops.convert_to_numpy(program(constants))[:size]


def auto_attack(
    network: Callable[..., Tensor],
    inputs: Any,
    labels: Any,
    epsilon: float,
    seed: Seed = None,
    input_range: Any = None,
    *,
    norm: str = "linf",
    attacks: Sequence[str] = STANDARD,
    num_steps: int = 100,
    num_queries: int = 5000,
    batch_size: int = 500,
    data_format: str | None = None,
    verbose: int = 0,
) -> Any:
    """AutoAttack in its standard version: each attack tries the inputs that have resisted so far.

    The attacks are APGD on the cross-entropy, APGD on the targeted difference of logits ratio with 9 targets, FAB with
    9 targets, and Square with 5000 queries.

    Args:
        network: Keras network from inputs to logits, or to what `Classifier` recognizes.
        inputs: as the network takes them: `(n, ...)`, or several in a dictionary, list or tuple.
        labels: class indices, `(n,)`, or one-hot rows.
        epsilon: ε, radius of the ball in the norm, at least 0, in units of the input.
        seed: integer, `keras.random.SeedGenerator` or None, for random starts and squares.
        input_range: `(low, high)` of valid inputs, `{name: (low, high)}` of several, or None: 0 to 255 for inputs in
            uint8, else no bounds.
        norm: `"linf"` or `"l2"`.
        attacks: names of the attacks in order: `"apgd_ce"`, `"apgd_t"`, `"fab_t"`, `"square"`.
        num_steps: number of steps of APGD and FAB, at least 1. FAB and the second APGD take them for each target.
        num_queries: number of queries of Square, at least 1.
        batch_size: number of inputs at a time.
        data_format: place of the channels of images, see `square`.
        verbose: 1 shows a progress bar, 0 does not.

    Returns:
        Perturbed inputs, in the structure of `inputs` (see `zoo.analysis.attacks`). Those that are misclassified were
        found by one of the attacks, or misclassified from the start.

    Raises:
        TypeError: a number is expected and not given.
        ValueError: an argument is out of range, a name is unknown, or the network does not choose one class for each
            example.

    Warns:
        RuntimeWarning: the figures would mislead, because two passes over the same inputs differ, the outputs are
            probabilities, or many gradients are zero; or there are fewer than 4 classes, and the difference of logits
            takes the place of its ratio.

    Source: Croce, Hein, 2020, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
    attacks", https://arxiv.org/abs/2003.01690.

    Example:
        >>> network = lambda x: keras.ops.matmul(x, np.concatenate([np.eye(4), -np.eye(4)], axis=1))
        >>> x = np.array([[1.0, 0.0, 0.0, 0.0], [0.1, 0.0, 0.0, 0.0]])
        >>> moved = zoo.analysis.auto_attack(network, x, [0, 0], 0.2, seed=0, num_steps=10, num_queries=10)
        >>> zoo.analysis.misclassified(network, moved, [0, 0])
        array([False,  True])
    """
    if isinstance(attacks, str):
        raise ValueError(f"attacks must be a list of names, received {attacks!r}. Pass [{attacks!r}].")
    for attack in attacks:
        check_choice("attack", attack, STANDARD)
    check_number("num_steps", num_steps, 1, integer=True)
    check_number("num_queries", num_queries, 1, integer=True)
    task = Task(network, inputs, labels, epsilon, norm, input_range, batch_size)
    check_decides_once("AutoAttack", task.prediction)
    warn_of_unsuitable_networks(task)
    generator = as_generator(seed)
    steps = {"num_steps": num_steps, "early_stop": True}
    runs: dict[str, Callable[[], None]] = {
        "apgd_ce": lambda: run_auto_pgd(task, generator, loss="ce", num_restarts=1, num_targets=0, **steps),
        "apgd_t": lambda: run_auto_pgd(task, generator, loss="dlr", num_restarts=1, num_targets=NUM_TARGETS, **steps),
        "fab_t": lambda: run_fast_adaptive_boundary(task, num_targets=NUM_TARGETS, **steps),
        "square": lambda: run_square(task, generator, num_queries=num_queries, share=0.8, data_format=data_format),
    }
    per_class = len(task.ranks(NUM_TARGETS))
    lengths = {
        "apgd_ce": num_steps + 1,
        "apgd_t": per_class * (num_steps + 1),
        "fab_t": per_class * num_steps,
        "square": num_queries,
    }
    with progress_bar(task, sum(lengths[attack] for attack in attacks), verbose):
        for attack in attacks:
            runs[attack]()
    return task.result()
