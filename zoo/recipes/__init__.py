"""Recipes: the settings of each published row as data, named `<dataset>_<network>-<method>`."""

from zoo.recipes import cifar10, ladder, mnist, robust, synthetic
from zoo.recipes.recipe import Recipe
from zoo.validation import check_choice

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe for module in (synthetic, mnist, robust, cifar10, ladder) for recipe in module.RECIPES
}
"""Every recipe by its name."""

LISTED_BY = "python -m trainers.train --list"
"""The command that lists all recipes."""


def get(name: str) -> Recipe:
    """Returns a recipe by its name.

    Args:
        name: one of `RECIPES`.

    Raises:
        ValueError: there is no such recipe. The message gives the three nearest names.

    Example:
        >>> import zoo
        >>> zoo.recipes.get("mnist_mlp-vat").regularizers
        {'vat': {'epsilon': 2.1}}
    """
    return RECIPES[check_choice("recipe", name, RECIPES, LISTED_BY)]


__all__ = ["LISTED_BY", "RECIPES", "Recipe", "get"]
