"""Measures the error of a SavedModel on a split of its data set, or of another one.

    python -m trainers.evaluate --model=mnist_mlp-vat
    python -m trainers.evaluate --model=mnist_mlp-vat --attack=sign --tau=0.25
    python -m trainers.evaluate --model=runs/synthetic_mlp-vat/seed-0/saved_model/synthetic_mlp-vat --split=train

The files are checked against the card first, and the figure on the card is printed beside the measured one.
"""

from absl import app, flags

from trainers.cli.program import main_of
from trainers.runs.data import load_own_data
from zoo import analysis, pretrained
from zoo.pretrained import card

MODEL = flags.DEFINE_string("model", None, "Name of a published model, or the path of a SavedModel.", required=True)
SPLIT = flags.DEFINE_enum("split", "test", ["test", "train", "validation"], "Split to measure on.")
DATASET = flags.DEFINE_string("dataset", None, "Data set in place of the model's own.")
ATTACK = flags.DEFINE_enum(
    "attack",
    None,
    [*analysis.ATTACKS, *analysis.MOVEMENTS],
    "Noise or movement of size --tau. sign: FGSM; gaussian_sign, gaussian_noise: noise that knows nothing of the "
    "network; virtual_adversarial: knows no labels; pgd_l2, pgd_linf: 20 steps of projected gradient descent; shift, "
    "rotation, scale: random movements.",
)
TAU = flags.DEFINE_float(
    "tau",
    0.25,
    "Size of the attack, in units of the preprocessed input: of every entry (signs), the norm (pgd, "
    "virtual_adversarial) or the standard deviation (gaussian_noise); of movements the largest, in pixels, degrees or "
    "as a share.",
    lower_bound=0,
)
SAVED_MODELS = flags.DEFINE_string("saved_models", None, "Folder of published models, where a name is given.")


def load_split(content):
    """The inputs and labels that the flags ask for, drawn as for the training of the model."""
    if SPLIT.value == "validation" and not (content.get("recipe") or {}).get("num_validation", 0):
        raise ValueError(f"{content['name']} was trained without a validation split; choose test or train.")
    data = load_own_data(content, DATASET.value)
    return getattr(data, f"x_{SPLIT.value}"), getattr(data, f"y_{SPLIT.value}")


def evaluate():
    if ATTACK.value is None and TAU.present:
        raise ValueError(f"--tau={TAU.value} is the size of an attack: choose one by --attack.")
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


main = main_of(evaluate)

if __name__ == "__main__":
    app.run(main)
