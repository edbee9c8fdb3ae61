"""Measures the error of a SavedModel on a split of its data set or of another one.

    python -m trainers.evaluate --model=mnist_mlp-vat
    python -m trainers.evaluate --model=mnist_mlp-vat --attack=sign --epsilon=0.25
    python -m trainers.evaluate --model=mnist_conv-trades --attack=autoattack --epsilon=0.3 --num_examples=1000
    python -m trainers.evaluate --model=mnist_ladder-all_full --attack=sign --noclip --statistics=batch --batch_size=100
    python -m trainers.evaluate --model=runs/synthetic_mlp-vat/seed-0/saved_model/synthetic_mlp-vat --split=train

The command first checks the files against the card of the model. Without an attack it prints the error on the card,
too.
"""

import contextlib
import pathlib
import sys
from typing import Any

from absl import flags

from trainers.cli import program, quiet, words
from trainers.cli.choices import allow
from trainers.cli.output import figures
from trainers.runs.progress import counted

ATTACKS = {
    "sign": "FGSM",
    "gaussian_sign, gaussian_noise": "random noise",
    "virtual_adversarial": "an attack without labels",
    "pgd_l2, pgd_linf": "20 steps of projected gradient descent",
    "apgd_l2, apgd_linf": "100 steps that adapt their size",
    "fab_l2, fab_linf": "the nearest error",
    "square_l2, square_linf": "5000 queries without gradients",
    "autoattack, autoattack_l2": "the standard AutoAttack in L∞ or L2, for the error that you publish",
    "shift, rotation, scale": "random movements",
}
NAMES = [name for names in ATTACKS for name in names.split(", ")]

MODEL = flags.DEFINE_string("model", None, f"{words.MODEL} Required.", required=True)
SPLIT = flags.DEFINE_enum("split", "test", ["test", "train", "validation"], "Split to measure on.")
DATASET = flags.DEFINE_string("dataset", None, words.DATASET)
ATTACK = flags.DEFINE_string(
    "attack",
    None,
    f"Perturb the inputs by EPSILON. {'. '.join(f'{names}: {what}' for names, what in ATTACKS.items())}.",
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
    ["pixels", "preprocessed"],
    "Unit of --epsilon. pixels: pixels from 0 to 1, so 0.0313725 is 8/255. preprocessed: the unit of the preprocessed "
    "inputs, on which the attack then acts. By default, pixels for images and preprocessed for signals.",
)
CLIP = flags.DEFINE_bool("clip", True, "Keep perturbed images in the range of their pixels.")
NUM_EXAMPLES = flags.DEFINE_integer("num_examples", None, f"{words.NUM_EXAMPLES} Default: all.", lower_bound=1)
STATISTICS = flags.DEFINE_enum(
    "statistics",
    "moving",
    ["moving", "batch"],
    "Statistics of batch normalization in the network that is attacked. moving: the averages of prediction. batch: "
    "those of the attacked batch, as in the thesis on ladders with adversarial noise; a weak attack.",
)
BATCH_SIZE = flags.DEFINE_integer("batch_size", 500, "Inputs that are attacked at a time.", lower_bound=1)
SAVED_MODELS = flags.DEFINE_string("saved_models", None, words.SAVED_MODELS)
JSON = flags.DEFINE_bool("json", False, words.JSON)
allow(ATTACK, "attack", NAMES)

SECTIONS = {
    "What to measure": [MODEL, SAVED_MODELS, SPLIT, DATASET, NUM_EXAMPLES],
    "Attack": [ATTACK, EPSILON, UNITS, CLIP, STATISTICS, BATCH_SIZE],
    "What to show": [JSON],
}


def load_split(content: dict[str, Any]) -> tuple[Any, Any]:
    """Loads the inputs and labels of the chosen split, as the training of the model had them.

    Args:
        content: card of the model.

    Raises:
        UsageError: the model was trained without a validation split.
        ValueError: there is no data set.
    """
    from trainers.runs.data import load_own_data, splits

    if SPLIT.value == "validation" and not (content.get("recipe") or {}).get("num_validation", 0):
        raise program.UsageError(
            f"{content['name']} was trained without a validation split. Choose --split=test or train."
        )
    x, y = splits(load_own_data(content, DATASET.value))[SPLIT.value]
    return x[: NUM_EXAMPLES.value], y[: NUM_EXAMPLES.value]


def attacked_error(path: pathlib.Path, x: Any, y: Any, seed: int) -> float:
    """Measures the error under the chosen attack, in percent.

    Args:
        path: of the SavedModel.
        x: raw inputs.
        y: their labels.
        seed: of random numbers.
    """
    from zoo import analysis, pretrained

    model = pretrained.load(path)
    with contextlib.redirect_stdout(sys.stderr):  # of the progress bar
        return analysis.attacked_error_percent(
            model,
            x,
            y,
            ATTACK.value,
            EPSILON.value,
            units=UNITS.value,
            clip=CLIP.value,
            seed=seed,
            batch_size=BATCH_SIZE.value,
            statistics=STATISTICS.value,
            verbose=int(sys.stderr.isatty()),
        )


def clean_error(path: pathlib.Path, x: Any, y: Any) -> float:
    """Measures the error of the signature `serve`, or of the Keras model if the model is from an address, in percent.

    Args:
        path: of the SavedModel.
        x: raw inputs.
        y: their labels.
    """
    from trainers.runs.serving import open_predictions
    from zoo import pretrained

    with counted(open_predictions(MODEL.value, path), len(x)) as serve:
        return pretrained.error_percent(serve, x, y)


def measure(path: pathlib.Path, content: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Measures the error.

    Args:
        path: of the SavedModel.
        content: its card.

    Returns:
        The error as text, and as JSON values with what was measured.
    """
    x, y = load_split(content)
    dataset = DATASET.value or content["recipe"]["dataset"]
    facts = {"model": content["name"], "dataset": dataset, "split": SPLIT.value, "num_examples": len(x)}
    text = f"{content['name']}, {SPLIT.value} split, {len(x)} examples"
    if ATTACK.value is not None:
        error = attacked_error(path, x, y, content.get("seed", 0))
        through = f" through {STATISTICS.value} statistics" if STATISTICS.value == "batch" else ""
        text += f", {ATTACK.value} attack with epsilon {EPSILON.value}{through}: error {error:.2f} %"
        attack = {flag.name: flag.value for flag in (ATTACK, EPSILON, UNITS, CLIP, STATISTICS)}
        return text, {**facts, **attack, "error": error}
    error = clean_error(path, x, y)
    text += f": error {error:.2f} %"
    on_card = content["errors"].get(SPLIT.value)
    if on_card is not None and DATASET.value is None and NUM_EXAMPLES.value is None:
        text += f"\n  error on the card: {on_card:.2f} %"
    return text, {**facts, "error": error}


def evaluate() -> None:
    """Measures the error and prints it."""
    for flag in (EPSILON, UNITS, CLIP, STATISTICS, BATCH_SIZE):
        if ATTACK.value is None and flag.present:
            raise program.UsageError(f"--{flag.name}={flag.value} needs an attack. Choose one with --attack.")
    quiet.load("keras", "tensorflow")
    from zoo import pretrained
    from zoo.pretrained import card

    with figures(JSON.value) as give:
        path = pretrained.find(MODEL.value, SAVED_MODELS.value)
        give(*measure(path, card.verify(path)))


main = program.main_of(evaluate)

if __name__ == "__main__":
    program.run(main, SECTIONS)
