"""Recipes that resist attacks in L∞: adversarial training and TRADES.

The convolutional network for MNIST is that of Madry et al., 2018; ε is 0.3, for pixels in [0, 1], and its layers
compute in bfloat16. The fully connected one is that of the other MNIST recipes; ε is 0.1. For CIFAR-10, ε is 8/255; its
recipes scale pixels to [0, 1], because ε would differ between standardized channels.

The attacks of training take 10 steps: the papers take 40 on MNIST, which cost four times as much. The one step from a
random start is as long as in Wong et al., 2020. All penalties keep the clean loss and grow over the first epochs,
because networks that see attacks of this size from the start may stay at constant predictions. Learning rate, epochs,
ramp-up and the weights of sums are untuned guesses. The weight of TRADES is that of its paper.

Published errors are those of clean images. Robust errors of the published networks under AutoAttack with ε = 0.3: 11.50
% for adversarial training (Madry et al., 2018, of this network), 7.19 % for TRADES (Zhang et al., 2019, of a larger
one), 17.07 % for one step from a random start (Wong et al., 2020, of a smaller one).

Source: Madry, Makelov, Schmidt, Tsipras, Vladu, 2018, "Towards deep learning models resistant to adversarial attacks",
https://arxiv.org/abs/1706.06083; Zhang et al., 2019, "Theoretically principled trade-off between robustness and
accuracy", https://arxiv.org/abs/1901.08573; Wong, Rice, Kolter, 2020, "Fast is better than free",
https://arxiv.org/abs/2001.03994; Croce, Hein, 2020, "Reliable evaluation of adversarial robustness with an ensemble of
diverse parameter-free attacks", https://arxiv.org/abs/2003.01690, for the figures.
"""

from typing import Any

from zoo.recipes import cifar10, mnist
from zoo.recipes.family import Family
from zoo.recipes.recipe import Recipe

FAMILY = Family(
    Recipe(
        name="mnist_conv",
        dataset="mnist",
        network={"name": "conv"},
        preprocessing=[mnist.RESCALING],
        epochs=20,
        batch_size=100,
        precision="mixed_bfloat16",
    ),
    source="Madry et al. 2018, as measured by Croce and Hein 2020",
)
RAMP_UP = 1200  # training steps: two epochs of MNIST


def attack(epsilon: float, **options: Any) -> dict[str, Any]:
    """The hyperparameters of a penalty with an attack in L∞ on pixels in [0, 1].

    Args:
        epsilon: ε, radius of the ball.
        **options: further hyperparameters.

    Example:
        >>> from zoo.recipes.robust import attack
        >>> attack(0.1, num_steps=10)
        {'epsilon': 0.1, 'norm': 'linf', 'input_range': [0.0, 1.0], 'ramp_up_steps': 1200, 'num_steps': 10}
    """
    common = {"norm": "linf", "input_range": [0.0, 1.0], "ramp_up_steps": RAMP_UP}
    return {"epsilon": epsilon, **common, **options}


def pgd(epsilon: float) -> dict[str, Any]:
    """Adversarial training with ten steps from a random start.

    Example:
        >>> from zoo.recipes.robust import pgd
        >>> pgd(0.1)["at"]["num_steps"]
        10
    """
    return {"at": attack(epsilon, num_steps=10, random_start=True)}


def trades(epsilon: float) -> dict[str, Any]:
    """TRADES with ten steps.

    Example:
        >>> from zoo.recipes.robust import trades
        >>> list(trades(0.1))
        ['trades']
    """
    return {"trades": attack(epsilon, num_steps=10)}


COLLAPSES = f"{mnist.UNSEARCHED} A single step may collapse; the recipe is there to show it."

RECIPES = [
    FAMILY.recipe("baseline"),
    FAMILY.recipe("at_fgsm", {"at": attack(0.3)}, notes=COLLAPSES),
    FAMILY.recipe("at_fgsm_random_start", {"at": attack(0.3, step_size=0.375, random_start=True)}, notes=COLLAPSES),
    FAMILY.recipe("at_pgd", pgd(0.3), published_error=1.47, notes=mnist.UNSEARCHED),
    FAMILY.recipe("trades", trades(0.3), notes=mnist.UNSEARCHED),
    FAMILY.recipe("trades_vmt_shift", {**trades(0.3), **mnist.vmt("shift", 1.0)}, notes=mnist.UNSEARCHED),
    FAMILY.recipe("trades_1000", trades(0.3), num_labels=1000, unlabeled_batch_size=100, notes=mnist.UNSEARCHED),
    mnist.FAMILY.recipe("at_pgd", pgd(0.1), epochs=FAMILY.base.epochs, notes=mnist.UNSEARCHED),
    mnist.FAMILY.recipe("trades", trades(0.1), epochs=FAMILY.base.epochs, notes=mnist.UNSEARCHED),
    cifar10.SHORT_FAMILY.recipe("at_pgd", pgd(8 / 255), preprocessing=[mnist.RESCALING], notes=mnist.UNSEARCHED),
    cifar10.SHORT_FAMILY.recipe("trades", trades(8 / 255), preprocessing=[mnist.RESCALING], notes=mnist.UNSEARCHED),
]
