"""Recipes: what each published row ran, as data, named `<dataset>_<network>-<method>`."""

from zoo.recipes import cifar10, ladder, mnist, synthetic
from zoo.recipes.recipe import Recipe
from zoo.validation import check_choice

RECIPES = {recipe.name: recipe for module in (synthetic, mnist, cifar10, ladder) for recipe in module.RECIPES}
"""Every recipe by its name."""


def get(name):
    """The recipe of a name.

    Args:
        name: one of `RECIPES`.

    Raises:
        ValueError: there is none, with the nearest name.
    """
    return RECIPES[check_choice("recipe", name, RECIPES)]


__all__ = ["RECIPES", "Recipe", "get"]
