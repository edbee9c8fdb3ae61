"""Writes one HTML page about the whole zoo, about one table, or about one run.

    python -m trainers.report
    python -m trainers.report --table=mnist
    python -m trainers.report --workdir=runs/synthetic_mlp-vat/seed-0

The page needs nothing beside itself: tables to sort, cards to open, pictures, and the command behind every figure.
"""

import pathlib

from absl import app, flags

from trainers.cli.program import main_of
from trainers.results.tables import TABLES
from zoo.files import write_atomic
from zoo.optional import require
from zoo.validation import check_choice

TABLE = flags.DEFINE_string("table", None, f"A table in place of the whole zoo: {', '.join(TABLES)}.")
WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a finished run in place of the whole zoo.")
RESULTS = flags.DEFINE_string("results", "results", "Folder of the figures; its analysis/ holds those of the models.")
SAVED_MODELS = flags.DEFINE_string("saved_models", "saved_models", "Folder of the published models.")
PICTURES = flags.DEFINE_string("pictures", "docs/pictures", "Folder of the pictures that trainers.draw has written.")
OUTPUT = flags.DEFINE_string(
    "output", None, "The page; default docs/report.html, docs/TABLE.html or WORKDIR/report.html."
)


def content():
    """What the flags ask for, and where it is written."""
    from trainers.page import contents

    if WORKDIR.value:
        return contents.of_run(WORKDIR.value), pathlib.Path(WORKDIR.value) / "report.html"
    if TABLE.value:
        key = check_choice("table", TABLE.value, TABLES)
        return contents.of_table(key, RESULTS.value), pathlib.Path(f"docs/{key}.html")
    return contents.of_zoo(RESULTS.value, SAVED_MODELS.value, PICTURES.value), pathlib.Path("docs/report.html")


def report():
    if TABLE.value and WORKDIR.value:
        raise app.UsageError("Choose one of --table and --workdir.")
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
