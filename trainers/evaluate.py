"""Measures the error of a SavedModel on a split of its data set or of another one.

    python -m trainers.evaluate --model=mnist_mlp-vat
    python -m trainers.evaluate --model=mnist_mlp-vat --attack=sign --epsilon=0.25
    python -m trainers.evaluate --model=mnist_mlp-at_linf --attack=autoattack --epsilon=0.3 --num_examples=1000
    python -m trainers.evaluate --model=mnist_ladder-all_full --attack=sign --noclip --statistics=batch --batch_size=100
    python -m trainers.evaluate --model=runs/synthetic_mlp-vat/seed-0/saved_model/synthetic_mlp-vat --split=train

The command first checks the files against the card of the model. Without an attack it prints the error on the card,
too.
"""

import pathlib
import sys
from typing import Any

import numpy as np
from absl import app, flags

from trainers.cli.program import main_of
from trainers.runs.data import load_own_data, splits
from zoo import analysis, pretrained
from zoo.optional import require
from zoo.pretrained import card

MODEL = flags.DEFINE_string("model", None, "Name of a published model, or path of a SavedModel.", required=True)
SPLIT = flags.DEFINE_enum("split", "test", ["test", "train", "validation"], "Split to measure on.")
DATASET = flags.DEFINE_string("dataset", None, "Data set to use instead of the one that the card names.")
ATTACK = flags.DEFINE_enum(
    "attack",
    None,
    [*analysis.ATTACKS, *analysis.MOVEMENTS],
    "Perturb the inputs by EPSILON. sign: FGSM. gaussian_sign, gaussian_noise: random noise. virtual_adversarial: an "
    "attack without labels. pgd_l2, pgd_linf: 20 steps of projected gradient descent. apgd_l2, apgd_linf: 100 steps "
    "that adapt their size. fab_l2, fab_linf: the nearest error. square_l2, square_linf: 5000 queries without "
    "gradients. autoattack (L∞), autoattack_l2: the standard AutoAttack, for the error that you publish. shift, "
    "rotation, scale: random movements.",
)
EPSILON = flags.DEFINE_float(
    "epsilon",
    0.25,
    "Size of the perturbation in --units: its maximum norm (sign, gaussian_sign, autoattack, names with linf), its L2 "
    "norm (names with l2, virtual_adversarial), or its standard deviation (gaussian_noise). Of movements, the largest "
    "shift in pixels, rotation in degrees, or relative change of scale.",
    lower_bound=0,
)
UNITS = flags.DEFINE_enum(
    "units",
    None,
    analysis.UNITS,
    "Unit of --epsilon. pixels: pixels from 0 to 1, so 0.0313725 is 8/255. preprocessed: the unit of the preprocessed "
    "inputs, on which the attack then acts. Default: pixels for images, preprocessed for signals.",
)
CLIP = flags.DEFINE_bool("clip", True, "Keep perturbed images in the range of their pixels.")
NUM_EXAMPLES = flags.DEFINE_integer(
    "num_examples", None, "Measure on the first NUM_EXAMPLES inputs of the split. Default: all.", lower_bound=1
)
STATISTICS = flags.DEFINE_enum(
    "statistics",
    "moving",
    ["moving", "batch"],
    "Statistics of batch normalization in the network that is attacked. moving: the averages of prediction. batch: "
    "those of the attacked batch, as in the thesis on ladders with adversarial noise; a weak attack.",
)
BATCH_SIZE = flags.DEFINE_integer("batch_size", 500, "Inputs that are attacked at a time.", lower_bound=1)
SAVED_MODELS = flags.DEFINE_string("saved_models", None, "Folder of published models, if --model is a name.")


def load_split(content: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Loads the inputs and labels of the chosen split, as the training of the model had them.

    Args:
        content: card of the model.

    Raises:
        ValueError: the model has no such split or no data set.
    """
    if SPLIT.value == "validation" and not (content.get("recipe") or {}).get("num_validation", 0):
        raise ValueError(f"{content['name']} was trained without a validation split. Choose --split=test or train.")
    return splits(load_own_data(content, DATASET.value))[SPLIT.value]


def attacked_error(path: pathlib.Path, attack: str, x: np.ndarray, y: np.ndarray) -> float:
    """Measures the error under an attack, in percent.

    Args:
        path: of the SavedModel.
        attack: its name.
        x: raw inputs.
        y: their labels.
    """
    options: dict[str, Any] = {"verbose": 1} if attack.startswith("autoattack") and sys.stdout.isatty() else {}
    return analysis.attacked_error_percent(
        pretrained.load(path),
        x,
        y,
        attack,
        EPSILON.value,
        units=UNITS.value,
        clip=CLIP.value,
        seed=card.read_card(path).get("seed", 0),
        batch_size=BATCH_SIZE.value,
        statistics=STATISTICS.value,
        **options,
    )


def evaluate() -> None:
    """Measures the error and prints it."""
    for flag in (EPSILON, UNITS, CLIP, STATISTICS, BATCH_SIZE):
        if ATTACK.value is None and flag.present:
            raise ValueError(f"--{flag.name}={flag.value} needs an attack. Choose one with --attack.")
    path = pretrained.find(MODEL.value, SAVED_MODELS.value)
    content = card.verify(path)
    x, y = load_split(content)
    measured = f"{content['name']}, {SPLIT.value} split of {len(x)}"
    if NUM_EXAMPLES.value is not None and NUM_EXAMPLES.value < len(x):
        x, y = x[: NUM_EXAMPLES.value], y[: NUM_EXAMPLES.value]
        measured += f", first {len(x)}"
    if ATTACK.value is not None:
        error, epsilon = attacked_error(path, ATTACK.value, x, y), EPSILON.value
        through = f" through {STATISTICS.value} statistics" if STATISTICS.value == "batch" else ""
        print(f"{measured}, {ATTACK.value} attack with epsilon {epsilon}{through}: error {error:.2f} %")
        return
    model = require("tensorflow", "Reading a SavedModel").saved_model.load(str(path))
    print(f"{measured}: error {pretrained.error_percent(model.serve, x, y):.2f} %")
    on_card = content["errors"].get(SPLIT.value)
    if on_card is not None and DATASET.value is None and NUM_EXAMPLES.value is None:
        print(f"  error on the card: {on_card:.2f} %")


main = main_of(evaluate)

if __name__ == "__main__":
    app.run(main)
