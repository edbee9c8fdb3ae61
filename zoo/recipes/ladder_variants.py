"""Recipes for variants of adversarial noise that the thesis leaves open in its discussion, after 10 epochs.

The variants: no adversarial noise on unlabeled inputs, noise in every layer, and noise in place of Gaussian noise. The
rows with 100 labels and with all labels differ only in the adversarial noise, so a row compares with the two ladders
beside it: the one without adversarial noise (`full`), and the one with the thesis's own (`adversarial`).

Source: Maroñas Molano, 2016, "Adversarial learning with ladder networks" (the thesis), section 7.
"""

from zoo.recipes.ladder_settings import FC, FULL, family, labels, noisy
from zoo.recipes.recipe import Recipe

EPOCHS = 10
MNIST = family("mnist_ladder_10ep", FC, epochs=EPOCHS)
# Number of labels: the thesis's τ for labeled and for unlabeled inputs.
SIZES = {"100": (4.5e-2, 4.5e-4), "all": (4.5e-4, 4.5e-8)}
EVERY_LAYER = [0.05] * (len(FC) + 1)  # of a pre-activation of variance 1
NOT_SEARCHED = "τ was not searched."


def variants(name: str) -> list[Recipe]:
    """The recipes for one number of labels.

    Args:
        name: key of `SIZES`.

    Example:
        >>> from zoo.recipes.ladder_variants import variants
        >>> variants("100")[0].name
        'mnist_ladder_10ep-100_full'
    """
    ladder, (labeled, unlabeled) = FULL[name], SIZES[name]
    ladders = {
        "full": ladder,
        "adversarial": noisy(ladder, labeled, unlabeled),
        "adversarial_labeled": noisy(ladder, labeled),
        "adversarial_layers": noisy(ladder, EVERY_LAYER, EVERY_LAYER),
        "adversarial_alone": noisy({**ladder, "noise_std": 0.0}, EVERY_LAYER, EVERY_LAYER),
        "virtual_layers": noisy(ladder, EVERY_LAYER, EVERY_LAYER, labeled_kind="scaled_l2", direction="kl"),
    }
    of_every_layer = ("layers", "alone")
    return [
        MNIST.recipe(
            f"{name}_{method}",
            ladder=settings,
            notes=NOT_SEARCHED if method.endswith(of_every_layer) else "",
            **labels(name),
        )
        for method, settings in ladders.items()
    ]


RECIPES = [recipe for name in SIZES for recipe in variants(name)]
