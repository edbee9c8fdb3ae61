"""AutoAttack against torchattacks in PyTorch: the same weights, the same images, example by example.

    pip install torch torchattacks
    python -m benchmarks.autoattack --model=mnist_mlp-at_linf --epsilon=0.1 --num_examples=300

The command prints how many images resist, and the seconds: of the zoo, then of torchattacks after each of its attacks.
At the end it prints how many images both call robust, and how many one of them alone.
"""

import time
from typing import Any

import keras
import numpy as np
from absl import app, flags

import zoo
from trainers.cli.program import main_of
from zoo.optional import require

MODEL = flags.DEFINE_string("model", "mnist_mlp-at_linf", "Name of a published fully connected model of MNIST.")
EPSILON = flags.DEFINE_float("epsilon", 0.1, "Radius of the ball, for pixels from 0 to 1.", lower_bound=0)
NORM = flags.DEFINE_enum("norm", "linf", ["linf", "l2"], "Norm of the ball.")
NUM_EXAMPLES = flags.DEFINE_integer("num_examples", 300, "Number of test images.", lower_bound=1)
SEEDS = flags.DEFINE_integer(
    "seeds", 1, "Number of seeds of the zoo's attack, to show its own randomness.", lower_bound=1
)


def run_zoo(network: zoo.analysis.Classifier, x: np.ndarray, y: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """Which images resist the zoo's attack, and its seconds, which include compilation for the first seed."""
    start = time.perf_counter()
    attacked = zoo.analysis.auto_attack(
        network, x, y, EPSILON.value, seed=seed, input_range=(0.0, 1.0), norm=NORM.value
    )
    seconds = time.perf_counter() - start
    return ~zoo.analysis.misclassified(network, attacked, y), seconds


def run_pytorch(other: Any, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """Which images resist torchattacks, and its seconds; prints the figures of each attack as it ends."""
    from benchmarks.pytorch_attacks import run_attacks

    total, robust = 0.0, np.zeros(len(x), bool)  # nothing is attacked if no image is classified rightly
    for name, robust, seconds in run_attacks(other, x, y, EPSILON.value, NORM.value):
        total += seconds
        print(f"torchattacks, {name}: {robust.sum()} of {len(x)} robust, {seconds:.1f} s", flush=True)
    return robust, total


def run() -> None:
    """Runs both and prints the counts."""
    torch = require("torch", "The comparison")
    require("torchattacks", "The comparison")
    from benchmarks.pytorch_attacks import in_torch

    data, model = zoo.datasets.load("mnist"), zoo.load(MODEL.value)
    network, x, _ = zoo.analysis.attacked(model, data.x_test[: NUM_EXAMPLES.value])
    y, other = data.y_test[: NUM_EXAMPLES.value], in_torch(model)
    with torch.no_grad():
        logits = other(torch.tensor(x).movedim(-1, 1)).numpy()
    np.testing.assert_allclose(zoo.analysis.predict_logits(network, x), logits, rtol=1e-3, atol=1e-3)
    own = []
    for seed in range(SEEDS.value):
        robust, took = run_zoo(network, x, y, seed)
        own.append((robust, took))
        print(f"zoo on {keras.backend.backend()}, seed {seed}: {robust.sum()} robust, {took:.1f} s", flush=True)
    theirs, seconds = run_pytorch(other, x, y)
    print(f"torchattacks: {theirs.sum()} robust, {seconds:.1f} s")
    for seed, (robust, took) in enumerate(own):
        print(
            f"seed {seed}: {seconds / took:.1f} times as fast; robust to both {(robust & theirs).sum()}, "
            f"to neither {(~robust & ~theirs).sum()}, to the zoo alone {(robust & ~theirs).sum()}, "
            f"to torchattacks alone {(~robust & theirs).sum()}"
        )


main = main_of(run)

if __name__ == "__main__":
    app.run(main)
