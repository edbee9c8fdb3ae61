"""What stands on the page about the zoo, a table or a run: see `trainers.page.render.render`."""

import pathlib

from trainers.analysis.report import read_analyses
from trainers.page.analyses import analysis_settings, analysis_tables
from trainers.page.gallery import gallery_content, inlined
from trainers.page.models import models_content
from trainers.page.results import recipe_content, run_content, table_content
from trainers.pictures.errors import errors_by_labels
from trainers.results.store import read_results
from trainers.results.tables import TABLES, matching

FIGURES = (
    "Test errors in per cent. Every figure was measured by the command beside it and stands in a file of the "
    "repository; published errors are as their source gives them."
)
BARE = {"labels": [], "models": None, "without_card": [], "analyses": [], "settings": [], "gallery": None}


def of_results(results, title):
    """The tables and runs of some results, and nothing else."""
    tables = [table_content(key, results) for key in TABLES]
    recipes = [recipe_content(content) for content in results.values()]
    tables = [table for table in tables if table]
    return {**BARE, "title": title, "introduction": FIGURES, "tables": tables, "recipes": recipes}


def of_run(workdir):
    """One finished run.

    Raises:
        FileNotFoundError, ValueError: see `run_content`.
    """
    results = run_content(workdir)
    return of_results(results, f"{next(iter(results))}, one run")


def of_table(key, directory):
    """One table.

    Args:
        key: of `TABLES`.
        directory: results folder.

    Raises:
        ValueError: a file of results is damaged.
    """
    results = read_results(directory)
    chosen = matching(results, TABLES[key][1])
    return of_results({name: results[name] for name in chosen}, TABLES[key][0])


def of_zoo(results_directory, models_directory, pictures_directory):
    """All tables, models, analyses and pictures.

    Args:
        results_directory: of the recipes' results; its `analysis` holds what was measured of the models.
        models_directory: of the published models.
        pictures_directory: of the pictures that `trainers.draw` has written.

    Raises:
        ValueError: a file is damaged; with its name.
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
