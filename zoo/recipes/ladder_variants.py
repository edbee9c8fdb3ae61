"""Recipes for variants of adversarial noise that the thesis proposes in its discussion. They train for 10 epochs.

The variants: no adversarial noise on unlabeled inputs (the thesis tried it with all labels only), noise in every layer,
and noise in place of Gaussian noise. For each number of labels, compare a row with `full`, which has no adversarial
noise, and with `adversarial`, which has the thesis's. `adversarial_alone` has no Gaussian noise.

Source: Maroñas Molano, 2016, "Adversarial learning with ladder networks" (the thesis), section 7.
"""

from typing import Any

from zoo.recipes.ladder_settings import FC, FULL, THESIS, family, labels, noisy
from zoo.recipes.recipe import Recipe

MNIST = family("mnist_ladder_10ep", FC, THESIS, epochs=10)
EVERY_LAYER = [0.05] * (len(FC) + 1)  # of the input and of all pre-activations, which have variance 1
NOT_SEARCHED = "ε was not searched."


def in_every_layer(ladder: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """`{method: ladder}` with adversarial noise in every layer.

    Args:
        ladder: without adversarial noise.

    Example:
        >>> from zoo.recipes.ladder_variants import in_every_layer
        >>> list(in_every_layer({}))
        ['adversarial_layers', 'adversarial_alone', 'virtual_layers']
    """
    return {
        "adversarial_layers": noisy(ladder, EVERY_LAYER, EVERY_LAYER),
        "adversarial_alone": noisy({**ladder, "noise_std": 0.0}, EVERY_LAYER, EVERY_LAYER),
        "virtual_layers": noisy(ladder, EVERY_LAYER, EVERY_LAYER, labeled_kind="scaled_l2", direction="kl"),
    }


# Number of labels: `{method: ladder}` with noise on the inputs, of the thesis's sizes.
ON_INPUTS = {
    "100": {
        "full": FULL["100"],
        "adversarial": noisy(FULL["100"], 4.5e-2, 4.5e-4),
        "adversarial_labeled": noisy(FULL["100"], 4.5e-2),
    },
    "all": {
        "full": FULL["all"],
        "adversarial": noisy(FULL["all"], 4.5e-4),
        "adversarial_both": noisy(FULL["all"], 4.5e-4, 4.5e-8),
    },
}


def variants(name: str) -> list[Recipe]:
    """The recipes for one number of labels.

    Args:
        name: key of `ON_INPUTS`.

    Example:
        >>> from zoo.recipes.ladder_variants import variants
        >>> variants("100")[0].name
        'mnist_ladder_10ep-100_full'
    """
    on_inputs, everywhere = ON_INPUTS[name], in_every_layer(FULL[name])
    return [
        *(MNIST.recipe(f"{name}_{method}", ladder=ladder, **labels(name)) for method, ladder in on_inputs.items()),
        *(
            MNIST.recipe(f"{name}_{method}", ladder=ladder, notes=NOT_SEARCHED, **labels(name))
            for method, ladder in everywhere.items()
        ),
    ]


RECIPES = [recipe for name in ON_INPUTS for recipe in variants(name)]
