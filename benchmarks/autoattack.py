"""AutoAttack against torchattacks in PyTorch: the same weights, the same images, example by example.

    pip install torch torchattacks
    python -m benchmarks.autoattack --model=mnist_mlp-at_linf --epsilon=0.1 --num_examples=300

The command prints how many images both call robust, how many neither, how many one of them alone, and both times.
"""

import time

import keras
import numpy as np
import torch
import torchattacks
from absl import app, flags
from torch import nn

import zoo
from zoo.backend.keras_internals import flatten_layers

MODEL = flags.DEFINE_string("model", "mnist_mlp-at_linf", "Name of a published fully connected model of MNIST.")
EPSILON = flags.DEFINE_float("epsilon", 0.1, "Radius of the ball, for pixels from 0 to 1.", lower_bound=0)
NORM = flags.DEFINE_enum("norm", "linf", ["linf", "l2"], "Norm of the ball.")
NUM_EXAMPLES = flags.DEFINE_integer("num_examples", 300, "Number of test images.", lower_bound=1)
SEEDS = flags.DEFINE_integer(
    "seeds", 1, "Number of seeds of the zoo's attack, to show its own randomness.", lower_bound=1
)


def in_torch(model: keras.Model) -> nn.Module:
    """The same fully connected network in PyTorch, for images `(n, 1, height, width)` with pixels from 0 to 1."""
    layers: list[nn.Module] = [nn.Flatten()]
    for layer in flatten_layers(model.network):
        weights = [torch.tensor(weight) for weight in layer.get_weights()]
        if isinstance(layer, keras.layers.Dense):
            linear = nn.Linear(*weights[0].shape, bias=layer.use_bias)
            linear.load_state_dict(dict(zip(("weight", "bias"), (weights[0].T, *weights[1:]), strict=False)))
            layers.append(linear)
        elif isinstance(layer, keras.layers.BatchNormalization):
            normalization = nn.BatchNorm1d(len(weights[0]), eps=layer.epsilon)
            names = ("weight", "bias", "running_mean", "running_var")
            normalization.load_state_dict(dict(zip(names, weights, strict=True)), strict=False)
            layers.append(normalization)
        elif isinstance(layer, keras.layers.Activation):
            layers.append(nn.ReLU())
    return nn.Sequential(*layers).eval()


def run_torch(network: nn.Module, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """Which images resist torchattacks, and its seconds."""
    images, labels = torch.tensor(x).movedim(-1, 1).contiguous(), torch.tensor(y).long()
    options = {"norm": {"linf": "Linf", "l2": "L2"}[NORM.value], "eps": EPSILON.value, "seed": 0}
    # Not torchattacks.AutoAttack: it takes 10 steps where the standard version takes 100.
    attack = torchattacks.MultiAttack(
        [
            torchattacks.APGD(network, steps=100, loss="ce", **options),
            torchattacks.APGDT(network, steps=100, n_classes=10, **options),
            torchattacks.FAB(network, steps=100, multi_targeted=True, n_classes=10, **options),
            torchattacks.Square(network, n_queries=5000, **options),
        ]
    )
    start = time.perf_counter()
    attacked = attack(images, labels)
    seconds = time.perf_counter() - start
    with torch.no_grad():
        return (network(attacked).argmax(dim=1) == labels).numpy(), seconds


def run_zoo(network: zoo.analysis.Classifier, x: np.ndarray, y: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """Which images resist the zoo's attack, and its seconds, which include compilation for the first seed."""
    start = time.perf_counter()
    attacked = zoo.analysis.auto_attack(
        network, x, y, EPSILON.value, seed=seed, input_range=(0.0, 1.0), norm=NORM.value
    )
    seconds = time.perf_counter() - start
    return ~zoo.analysis.misclassified(network, attacked, y), seconds


def main(_: list[str]) -> None:
    """Runs both and prints the counts."""
    data, model = zoo.datasets.load("mnist"), zoo.load(MODEL.value)
    network, x, _ = zoo.analysis.attacked(model, data.x_test[: NUM_EXAMPLES.value])
    y, other = data.y_test[: NUM_EXAMPLES.value], in_torch(model)
    with torch.no_grad():
        logits = other(torch.tensor(x).movedim(-1, 1)).numpy()
    np.testing.assert_allclose(zoo.analysis.predict_logits(network, x), logits, rtol=1e-3, atol=1e-3)
    own = [run_zoo(network, x, y, seed) for seed in range(SEEDS.value)]
    theirs, seconds = run_torch(other, x, y)
    print(f"torchattacks: {theirs.sum()} of {len(x)} robust, {seconds:.1f} s")
    for seed, (robust, took) in enumerate(own):
        both, neither = (robust & theirs).sum(), (~robust & ~theirs).sum()
        print(
            f"zoo on {keras.backend.backend()}, seed {seed}: {robust.sum()} robust, {took:.1f} s, "
            f"{seconds / took:.1f} times as fast; robust to both {both}, to neither {neither}, "
            f"to the zoo alone {(robust & ~theirs).sum()}, to torchattacks alone {(~robust & theirs).sum()}"
        )


if __name__ == "__main__":
    app.run(main)
