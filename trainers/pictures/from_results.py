"""Pictures of results: of a table, and of everything that was measured."""

from collections.abc import Mapping
from typing import Any

from trainers.analysis.report import read_analyses
from trainers.pictures import attacks, cost, curves, errors
from trainers.pictures.sources import Sources
from trainers.pictures.style import Picture
from trainers.results.method_table import MethodTable, read_step_times
from trainers.results.store import read_results
from trainers.results.tables import TABLES, parts
from zoo.validation import check_choice

# Functions of the contents of a table and its title.
OF_TABLE = {
    "errors_by_method": errors.errors_by_method,
    "learning_curves": curves.learning_curves,
    "generalization_gap": curves.generalization_gap,
    "worst_movements": curves.worst_movements,
    "normalized_worst_movements": curves.normalized_worst_movements,
}
# Functions of all results.
OF_ZOO = {
    "error_by_cost": cost.error_by_cost,
    "errors_by_labels": lambda methods: errors.errors_by_labels(methods.results.values()),
    "accuracy_by_epsilon": lambda methods: attacks.accuracy_by_epsilon(methods.analyses),
}


def method_table(sources: Sources) -> MethodTable:
    """All results of the folders.

    Raises:
        ValueError: a file is damaged.
    """
    results, analyses = read_results(sources.results), read_analyses(sources.analysis)
    return MethodTable(results, analyses, read_step_times(sources.step_times))


def of_table(sources: Sources) -> tuple[list[Mapping[str, Any]], str]:
    """The contents and the title of a table.

    Raises:
        ValueError: the table is unknown or has no results.
    """
    key = check_choice("table", sources.table, TABLES)
    contents = parts(key, read_results(sources.results))[1]
    if not contents:
        raise ValueError(f"{sources.results} has no results for the table {key!r}. Run trainers.reproduce first.")
    return contents, TABLES[key][0]


def draw_results(name: str, sources: Sources) -> Picture | None:
    """Draws a picture of results by its name; None if none of the runs recorded what it shows."""
    return OF_TABLE[name](*of_table(sources)) if name in OF_TABLE else OF_ZOO[name](method_table(sources))
