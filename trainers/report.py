"""Writes an HTML page about the whole zoo, about one table, or about one run.

    python -m trainers.report
    python -m trainers.report --table=mnist
    python -m trainers.report --workdir=runs/synthetic_mlp-vat/seed-0

The page is a single file with pictures, tables that fold, sort and filter, cards of models and runs, and the command
that reproduces each figure.
"""

import pathlib
from typing import Any

from absl import flags

from trainers.cli import program, quiet, words
from trainers.cli.choices import allow
from trainers.cli.light_imports import without_keras

with without_keras():
    from trainers.results.tables import TABLES

TABLE = flags.DEFINE_string("table", None, f"{words.TABLE}: {', '.join(TABLES)}.")
WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run to write about.")
RESULTS = flags.DEFINE_string("results", "results", words.RESULTS)
ANALYSIS = flags.DEFINE_string("analysis", "results/analysis", words.ANALYSIS)
SAVED_MODELS = flags.DEFINE_string("saved_models", "saved_models", words.SAVED_MODELS)
PICTURES = flags.DEFINE_string("pictures", "docs/pictures", words.PICTURES)
OUTPUT = flags.DEFINE_string(
    "output", None, f"{words.OUTPUT} Default: docs/report.html, docs/TABLE.html or WORKDIR/report.html."
)
allow(TABLE, "table", TABLES)

SECTIONS = {"What to write about": [TABLE, WORKDIR], "Files": [RESULTS, ANALYSIS, SAVED_MODELS, PICTURES, OUTPUT]}


def content() -> tuple[dict[str, Any], pathlib.Path]:
    """What the flags ask for, and the default file for it."""
    from trainers.page import contents

    if WORKDIR.value:
        return contents.of_run(WORKDIR.value), pathlib.Path(WORKDIR.value) / "report.html"
    if TABLE.value:
        return contents.of_table(TABLE.value, RESULTS.value), pathlib.Path(f"docs/{TABLE.value}.html")
    folders = (RESULTS.value, ANALYSIS.value, SAVED_MODELS.value, PICTURES.value)
    return contents.of_zoo(*folders), pathlib.Path("docs/report.html")


def report() -> None:
    """Writes the page."""
    if TABLE.value and WORKDIR.value:
        raise program.UsageError(
            f"Choose --table or --workdir, received --table={TABLE.value} --workdir={WORKDIR.value}."
        )
    quiet.load("keras")
    from zoo.files import write_atomic
    from zoo.optional import require

    require("jinja2", "The report", "report")
    require("matplotlib", "The report", "report")
    from trainers.page.render import render

    page, path = content()
    path = pathlib.Path(OUTPUT.value or path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, render(page))
    print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB")


main = program.main_of(report)

if __name__ == "__main__":
    program.run(main, SECTIONS)
