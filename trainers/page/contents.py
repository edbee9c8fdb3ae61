"""The content of a page about the zoo, a table or a run; `trainers.page.render` shows it."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from trainers.analysis.report import read_analyses
from trainers.page.analyses import analysis_settings, analysis_tables
from trainers.page.drawing import Pictures, drawn_pictures
from trainers.page.gallery import gallery_content
from trainers.page.headline import headline_content, numbers
from trainers.page.models import models_content
from trainers.page.results import recipe_content, run_content, table_content
from trainers.page.sections import HERO, PAGE_ORDER, sections_content
from trainers.pictures.from_results import OF_TABLE
from trainers.results.method_table import MethodTable, read_step_times
from trainers.results.store import read_results
from trainers.results.tables import TABLES, matching

ZOO = (
    "A model zoo for Keras 3: classifiers trained so that small changes of the input change the prediction little, by "
    "adversarial training (AT), virtual adversarial training (VAT), virtual movement training (VMT), smoothness and "
    "Jacobian penalties, and ladder networks."
)
FIGURES = "A file of the repository holds each figure on this page, and the command next to a figure reproduces it."
BARE = {
    "numbers": [],
    "hero": None,
    "headline": None,
    "sections": None,
    "models": None,
    "without_card": [],
    "analyses": [],
    "settings": [],
}


def of_results(
    results: Mapping[str, Any], title: str, pictures: Pictures, names: Sequence[str] = tuple(OF_TABLE)
) -> dict[str, Any]:
    """The tables and runs of some results.

    Args:
        results: `{recipe name: content of its file}`.
        title: of the page.
        pictures: of the results, from `drawn_pictures`.
        names: of the pictures to show with each table.
    """
    tables = [table_content(key, results, pictures, names) for key in PAGE_ORDER]
    recipes = [recipe_content(content) for content in results.values()]
    tables = [table for table in tables if table]
    return {**BARE, "title": title, "introduction": [FIGURES], "tables": tables, "recipes": recipes}


def of_run(workdir: str | pathlib.Path) -> dict[str, Any]:
    """One finished run.

    Args:
        workdir: of the run.

    Raises:
        FileNotFoundError: the folder holds no finished run.
        ValueError: a file is damaged.
    """
    results = run_content(workdir)
    return of_results(results, f"{next(iter(results))}, one run", drawn_pictures(results))


def of_table(key: str, directory: str | pathlib.Path) -> dict[str, Any]:
    """One table.

    Args:
        key: of `TABLES`.
        directory: results folder.

    Raises:
        ValueError: a results file is damaged, or none is of this table.
    """
    results = read_results(directory)
    chosen = {name: results[name] for name in matching(results, TABLES[key][1])}
    if not chosen:
        raise ValueError(f"{str(directory)!r} holds no results of the table {key!r}. Choose another folder or table.")
    return of_results(chosen, TABLES[key][0], drawn_pictures(chosen, folders={"results": directory}))


def of_zoo(
    results_directory: str | pathlib.Path,
    analysis_directory: str | pathlib.Path,
    models_directory: str | pathlib.Path,
    pictures_directory: str | pathlib.Path,
    steps_directory: str | pathlib.Path = "benchmarks/measured",
) -> dict[str, Any]:
    """All pictures, tables, models and analyses.

    Args:
        results_directory: results folder.
        analysis_directory: folder of the figures of models, from `trainers.analyze`.
        models_directory: folder of published models.
        pictures_directory: folder of the pictures that `trainers.draw` wrote.
        steps_directory: folder of the step times that `benchmarks` measured.

    Raises:
        ValueError: a file is damaged.
    """
    results, analyses = read_results(results_directory), read_analyses(analysis_directory)
    models, without_card = models_content(models_directory, analyses)
    names = {model["name"]: model["anchor"] for model in models}
    gallery = gallery_content(pictures_directory)
    methods = MethodTable(results, analyses, read_step_times(steps_directory))
    pictures = drawn_pictures(results, methods, {"results": results_directory, "analysis": analysis_directory})
    return {
        **of_results(results, "Regularized zoo", pictures, ("errors_by_method", "generalization_gap")),
        "introduction": [ZOO, FIGURES],
        "numbers": numbers(results, len(models)),
        "hero": gallery.get(HERO),
        "headline": headline_content(methods, names),
        "sections": sections_content(pictures, gallery),
        "models": models,
        "without_card": without_card,
        "analyses": analysis_tables(analyses, names),
        "settings": analysis_settings(analyses),
    }
