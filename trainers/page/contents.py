"""The content of a page about the zoo, a table or a run; `trainers.page.render` shows it."""

import pathlib
from collections.abc import Mapping
from typing import Any

from trainers.analysis.report import read_analyses
from trainers.page.analyses import analysis_settings, analysis_tables
from trainers.page.gallery import gallery_content, inlined
from trainers.page.models import models_content
from trainers.page.results import recipe_content, run_content, table_content
from trainers.pictures.errors import errors_by_labels
from trainers.results.store import read_results
from trainers.results.tables import TABLES, matching

FIGURES = (
    "Test errors in percent. A file of the repository holds each figure, and the command next to a figure reproduces "
    "it. Published errors are as their source gives them."
)
BARE = {"labels": [], "models": None, "without_card": [], "analyses": [], "settings": [], "gallery": None}


def of_results(results: Mapping[str, Any], title: str) -> dict[str, Any]:
    """The tables and runs of some results.

    Args:
        results: `{recipe name: content of its file}`.
        title: of the page.
    """
    tables = [table_content(key, results) for key in TABLES]
    recipes = [recipe_content(content) for content in results.values()]
    tables = [table for table in tables if table]
    return {**BARE, "title": title, "introduction": FIGURES, "tables": tables, "recipes": recipes}


def of_run(workdir: str | pathlib.Path) -> dict[str, Any]:
    """One finished run.

    Args:
        workdir: of the run.

    Raises:
        FileNotFoundError: the folder holds no finished run.
        ValueError: a file is damaged.
    """
    results = run_content(workdir)
    return of_results(results, f"{next(iter(results))}, one run")


def of_table(key: str, directory: str | pathlib.Path) -> dict[str, Any]:
    """One table.

    Args:
        key: of `TABLES`.
        directory: results folder.

    Raises:
        ValueError: a results file is damaged.
    """
    results = read_results(directory)
    chosen = matching(results, TABLES[key][1])
    return of_results({name: results[name] for name in chosen}, TABLES[key][0])


def of_zoo(
    results_directory: str | pathlib.Path,
    models_directory: str | pathlib.Path,
    pictures_directory: str | pathlib.Path,
) -> dict[str, Any]:
    """All tables, models, analyses and pictures.

    Args:
        results_directory: results folder; its subfolder `analysis` holds the measurements of models.
        models_directory: folder of published models.
        pictures_directory: folder of the pictures that `trainers.draw` wrote.

    Raises:
        ValueError: a file is damaged.
    """
    results = read_results(results_directory)
    analyses = read_analyses(pathlib.Path(results_directory) / "analysis")
    models, without_card = models_content(models_directory, analyses)
    labels = errors_by_labels(results.values())
    return {
        **of_results(results, "Regularized zoo"),
        "labels": [inlined(labels)] if labels else [],
        "models": models,
        "without_card": without_card,
        "analyses": analysis_tables(analyses, {model["name"]: model["anchor"] for model in models}),
        "settings": analysis_settings(analyses),
        "gallery": gallery_content(pictures_directory),
    }
