"""Recipes of one data set and one network: a base, from which each method changes what it must."""

import dataclasses

from zoo.recipes.recipe import Recipe

LAZY = "The penalty in every fourth step, with four times its weight; hyperparameters as without."


@dataclasses.dataclass(frozen=True)
class Family:
    """What the rows of one published table share.

    Attributes:
        base: the plain network's `Recipe`; its name without the method is `<dataset>_<network>`.
        source: where the published errors stand.
    """

    base: Recipe
    source: str

    def recipe(self, method, regularizers=None, *, network=None, published_error=None, notes="", **fields):
        """The base with one method.

        Args:
            method: last part of the name.
            regularizers: `{method: hyperparameters}`.
            network: options of the network that differ from the base's.
            published_error: test error in per cent, or None where there is none.
            notes: what else there is to know, such as where hyperparameters come from that no `search` chose.
            **fields: other recipe fields that differ from the base's.
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
