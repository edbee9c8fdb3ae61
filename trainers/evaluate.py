"""Measures the error of a SavedModel on a split of its data set, or of another one.

    python -m trainers.evaluate --model=mnist_mlp-vat
    python -m trainers.evaluate --model=mnist_mlp-vat --attack=sign --tau=0.25
    python -m trainers.evaluate --model=runs/synthetic_mlp-vat/seed-0/saved_model/synthetic_mlp-vat --split=train

The files are checked against the card first, and the figure on the card is printed beside the measured one.
"""

import sys

from absl import app, flags

import zoo
from zoo import analysis, card, pretrained

MODEL = flags.DEFINE_string("model", None, "Name of a published model, or the path of a SavedModel.", required=True)
SPLIT = flags.DEFINE_enum("split", "test", ["test", "train", "validation"], "Split to measure on.")
DATASET = flags.DEFINE_string("dataset", None, "Data set in place of the model's own.")
ATTACK = flags.DEFINE_enum(
    "attack",
    None,
    list(analysis.ATTACKS),
    "Noise of size --tau on every entry of the inputs: the sign of the loss gradient, or of Gaussian noise.",
)
TAU = flags.DEFINE_float("tau", 0.25, "Size of the attack's noise, in units of the preprocessed input.", lower_bound=0)
SAVED_MODELS = flags.DEFINE_string("saved_models", None, "Folder of published models, where a name is given.")


def load_split(content):
    """The inputs and labels that the flags ask for, drawn as for the training of the model."""
    recipe = content.get("recipe") or {}
    name = DATASET.value or recipe.get("dataset")
    if name is None:
        raise ValueError(f"The card of {content['name']} names no data set; choose one with --dataset.")
    num_validation = recipe.get("num_validation", 0)
    if SPLIT.value == "validation" and not num_validation:
        raise ValueError(f"{content['name']} was trained without a validation split; choose test or train.")
    data = zoo.datasets.load(name, seed=content.get("seed", 0), num_validation=num_validation)
    x, y = getattr(data, f"x_{SPLIT.value}"), getattr(data, f"y_{SPLIT.value}")
    if list(x.shape[1:]) != content["input_shape"]:
        raise ValueError(
            f"{content['name']} takes inputs of shape {tuple(content['input_shape'])}, and {name} has {x.shape[1:]}."
        )
    return x, y


def evaluate():
    path = pretrained.find(MODEL.value, SAVED_MODELS.value)
    content = card.verify(path)
    x, y = load_split(content)
    if ATTACK.value is not None:
        model = pretrained.load(path)
        error = analysis.attacked_error_percent(model, x, y, ATTACK.value, TAU.value, seed=content.get("seed", 0))
        print(f"{content['name']}, {SPLIT.value} split of {len(x)}, {ATTACK.value} noise {TAU.value}: {error:.2f} %")
        return
    tf = pretrained.import_tensorflow("Reading a SavedModel")
    model = tf.saved_model.load(str(path))
    error = pretrained.error_percent(model.serve, x, y)
    print(f"{content['name']}, {SPLIT.value} split of {len(x)}: error {error:.2f} %")
    on_card = content["errors"].get(SPLIT.value)
    if on_card is not None and DATASET.value is None:
        print(f"  on its card: {on_card:.2f} %")


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Arguments are given as --flag=value, received {argv[1:]}.")
    try:
        evaluate()
    except (ValueError, TypeError, OSError, ImportError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    app.run(main)
