"""Recipes for MNIST: the second column of the VMT paper's table 2, and what the zoo adds.

The network is the paper's, which follows the VAT paper; batch size, 100 epochs and the VAT step are those of the VAT
authors' program. The learning rate decays by a cosine to zero. VMT alone trains for 20 epochs: on held-out images
rotation lost its gain over the baseline in longer trainings, presumably because the penalty on training images falls
with their loss. Pixels are scaled to [0, 1]; no augmentation but where the name says so.
"""

from zoo.recipes.classical import classical_recipes
from zoo.recipes.family import LAZY, Family
from zoo.recipes.recipe import Recipe
from zoo.recipes.search import grid

RESCALING = {"name": "rescaling", "scale": 1 / 255}
SHIFTS = {"name": "random_translation", "height_factor": 0.1, "width_factor": 0.1, "fill_mode": "constant"}

FAMILY = Family(
    Recipe(
        name="mnist_mlp",
        dataset="mnist",
        network={"name": "mlp", "hidden_units": [1200, 600, 300, 150]},
        preprocessing=[RESCALING],
        learning_rate=2e-3,
        epochs=100,
        batch_size=100,
    ),
    source="VMT paper, table 2",
)
SEMI_SUPERVISED = Family(
    Recipe(
        name="mnist_mlp1200",
        dataset="mnist",
        network={"name": "mlp", "hidden_units": [1200, 1200], "batch_normalization_on_logits": True},
        preprocessing=[RESCALING],
        learning_rate=2e-3,
        epochs=208,
        batch_size=100,
        unlabeled_batch_size=250,
        reestimate_statistics=True,
    ),
    source="VAT paper, its program's settings, as quoted in later tables",
)

VAT = {"epsilon": 2.1}
SEARCH = {"num_validation": 10000, "epochs": 8}
WEIGHT = grid("regularizers.vmt.weight", [0.5, 2.0], **SEARCH)
ROTATION = {
    "space": {"epochs": {"values": [12, 20]}, "regularizers.vmt.weight": {"values": [1.0, 3.0]}},
    "engine": "grid",
    "num_seeds": 2,
    "num_validation": 10000,
}
AS_ROTATION, AS_SHIFT = "Epochs and λ as chosen for rotation.", "Epochs as chosen for rotation, λ for the shift field."
UNNORMALIZED = "g not normalized: chosen before, over 8 epochs, with λ 0.1, 1 and 5 and against batch and example."
PROGRAM = "ε as in the VAT authors' program."
TRIAL = (
    "λ as in a trial of 15 epochs with one seed, which erred on 0.72 % with λ 1 and on 0.75 % with 2; of which images, "
    "is not on record."
)
UNSEARCHED = "Hyperparameters not searched."
QUOTED = f"{UNSEARCHED} The paper quotes its figure from Srivastava et al. 2014, who had other networks."


def vmt(field, weight=2.0, **options):
    """VMT's hyperparameters with one kind of movement."""
    return {"vmt": {"field": field, "weight": weight, **options}}


def vmt_recipe(field, weight=2.0, **fields):
    """A row of VMT alone."""
    return FAMILY.recipe(f"vmt_{field}", vmt(field, weight), epochs=20, **fields)


RECIPES = [
    FAMILY.recipe("baseline", published_error=1.12),
    FAMILY.recipe("dropout", network={"dropout": 0.5, "input_dropout": 0.2}, published_error=0.95, notes=QUOTED),
    FAMILY.recipe("at_linf", {"at": {"epsilon": 0.1, "noise": "sign"}}, published_error=0.72, notes=UNSEARCHED),
    FAMILY.recipe(
        "at_l2",
        {"at": {"epsilon": 2.0}},
        published_error=0.70,
        search=grid("regularizers.at.epsilon", [1.0, 2.0], **SEARCH),
    ),
    FAMILY.recipe("vat", {"vat": VAT}, published_error=0.64, notes=PROGRAM),
    vmt_recipe("shift", published_error=0.92, search=WEIGHT, notes="Epochs as chosen for rotation."),
    vmt_recipe("rotation", 3.0, published_error=0.95, search=ROTATION, notes=UNNORMALIZED),
    vmt_recipe("scale", 3.0, published_error=0.92, notes=AS_ROTATION),
    vmt_recipe("all", notes=AS_SHIFT),
    vmt_recipe("affine", notes=AS_SHIFT),
    vmt_recipe("smooth", search=WEIGHT, notes="Epochs as chosen for rotation."),
    FAMILY.recipe("vat_vmt_smooth", {"vat": VAT, **vmt("smooth", 1.0)}, notes=f"{PROGRAM} {TRIAL}"),
    FAMILY.recipe("vat_lazy", {"vat": {**VAT, "interval": 4}}, notes=LAZY),
    FAMILY.recipe("vmt_shift_lazy", vmt("shift", interval=4), epochs=20, notes=LAZY),
    FAMILY.recipe("rpt", {"vat": {**VAT, "direction": "random"}}, notes="ε as for VAT."),
    FAMILY.recipe("augmentation", preprocessing=[RESCALING, SHIFTS], notes=UNSEARCHED),
    *classical_recipes(
        FAMILY,
        l2=1e-5,
        l1=1e-6,
        bound=3.0,
        noise_std=0.3,
        weight_noise_std=0.02,
        sparsity=1e-5,
        smoothness=(0.1, 0.1),
        num_validation=10000,
        tied_units=(600, 600, 600),
    ),
    SEMI_SUPERVISED.recipe("vat_100", {"vat": {"epsilon": 0.3}}, num_labels=100, published_error=2.33),
    SEMI_SUPERVISED.recipe("vat_1000", {"vat": {"epsilon": 0.3}}, num_labels=1000, published_error=1.36),
]
