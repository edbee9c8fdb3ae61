"""Recipes that share a data set and a network: a base, from which each method differs in a few fields."""

import dataclasses
from typing import Any

from zoo.recipes.recipe import Recipe

LAZY = "The penalty acts in every fourth step, with four times its weight. Other hyperparameters are unchanged."


@dataclasses.dataclass(frozen=True)
class Family:
    """The shared settings of the rows of one published table.

    Attributes:
        base: recipe of the plain network. Its name is `<dataset>_<network>`.
        source: the publication that reports the errors.

    Example:
        >>> from zoo.recipes import Recipe
        >>> from zoo.recipes.family import Family
        >>> base = Recipe(name="mine_mlp", dataset="mnist", network={"name": "mlp"})
        >>> Family(base, source="table 1").recipe("dropout", network={"dropout": 0.5}).name
        'mine_mlp-dropout'
    """

    base: Recipe
    source: str

    def recipe(
        self,
        method: str,
        regularizers: dict[str, Any] | None = None,
        *,
        network: dict[str, Any] | None = None,
        published_error: float | None = None,
        notes: str = "",
        **fields: Any,
    ) -> Recipe:
        """Makes the recipe of one method.

        Args:
            method: last part of the name.
            regularizers: `{name: hyperparameters}`.
            network: options of the network that differ from the base.
            published_error: published test error in percent, or None.
            notes: remarks, such as the origin of hyperparameters that no `search` chose.
            **fields: other recipe fields that differ from the base.

        Raises:
            ValueError: a field is out of range.
        """
        return dataclasses.replace(
            self.base,
            name=f"{self.base.name}-{method}",
            network={**self.base.network, **(network or {})},
            regularizers=regularizers or {},
            published_error=published_error,
            source=self.source if published_error is not None else "no published figure",
            notes=notes,
            **fields,
        )
