"""Writes an HTML page about the whole zoo, about one table, or about one run.

    python -m trainers.report
    python -m trainers.report --table=mnist
    python -m trainers.report --workdir=runs/synthetic_mlp-vat/seed-0

The page is a single file with sortable tables, cards, pictures, and the command that reproduces each figure.
"""

import pathlib
from typing import Any

from absl import app, flags

from trainers.cli.program import main_of
from trainers.results.tables import TABLES
from zoo.files import write_atomic
from zoo.optional import require
from zoo.validation import check_choice

TABLE = flags.DEFINE_string("table", None, f"Write about one table only: {', '.join(TABLES)}.")
WORKDIR = flags.DEFINE_string("workdir", None, "Write about one run only: its folder.")
RESULTS = flags.DEFINE_string("results", "results", "Folder of the figures; RESULTS/analysis holds those of models.")
SAVED_MODELS = flags.DEFINE_string("saved_models", "saved_models", "Folder of published models.")
PICTURES = flags.DEFINE_string("pictures", "docs/pictures", "Folder of the pictures that trainers.draw wrote.")
OUTPUT = flags.DEFINE_string(
    "output", None, "File to write. Default: docs/report.html, docs/TABLE.html or WORKDIR/report.html."
)


def content() -> tuple[dict[str, Any], pathlib.Path]:
    """What the flags ask for, and the default file for it."""
    from trainers.page import contents

    if WORKDIR.value:
        return contents.of_run(WORKDIR.value), pathlib.Path(WORKDIR.value) / "report.html"
    if TABLE.value:
        key = check_choice("table", TABLE.value, TABLES)
        return contents.of_table(key, RESULTS.value), pathlib.Path(f"docs/{key}.html")
    return contents.of_zoo(RESULTS.value, SAVED_MODELS.value, PICTURES.value), pathlib.Path("docs/report.html")


def report() -> None:
    """Writes the page."""
    if TABLE.value and WORKDIR.value:
        raise app.UsageError(f"Choose --table or --workdir, received --table={TABLE.value} --workdir={WORKDIR.value}.")
    require("jinja2", "The report", "report")
    require("matplotlib", "The report", "report")
    from trainers.page.render import render

    page, path = content()
    path = pathlib.Path(OUTPUT.value or path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, render(page))
    print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB")


main = main_of(report)

if __name__ == "__main__":
    app.run(main)
