"""Pictures of results, drawn for the page."""

import shlex
from collections.abc import Mapping
from typing import Any

from trainers.page.gallery import inlined
from trainers.pictures.from_results import OF_TABLE, OF_ZOO
from trainers.results.method_table import MethodTable
from trainers.results.tables import TABLES, parts
from trainers.runs.progress import progress

DEFAULTS = {"results": "results", "analysis": "results/analysis"}  # of the flags of `trainers.draw`
Pictures = dict[tuple[str, str | None], dict[str, Any]]  # by their name, and the key of their table or None


def drawn_pictures(
    results: Mapping[str, Any], methods: MethodTable | None = None, folders: Mapping[str, Any] | None = None
) -> Pictures:
    """Draws the pictures of results, with a progress bar on a terminal.

    Args:
        results: `{recipe name: content of its file}`; each table with results has its own pictures.
        methods: all results; None leaves out their pictures.
        folders: `{flag of trainers.draw: folder}` that the results are from; None if the command cannot draw them, as
            those of a run.

    Returns:
        The pictures with the commands that draw them; without those of which the results do not have what they show.
    """
    contents = {key: found for key in TABLES if (found := parts(key, results)[1])}
    jobs: dict[tuple[str, str | None], Any] = {
        (name, key): (draw, found, TABLES[key][0]) for key, found in contents.items() for name, draw in OF_TABLE.items()
    }
    if methods is not None:
        jobs |= {(name, None): (draw, methods) for name, draw in OF_ZOO.items()}
    pictures = {}
    with progress(len(jobs), "picture") as move:
        for (name, key), (draw, *arguments) in jobs.items():
            if picture := draw(*arguments):
                pictures[name, key] = inlined(picture, "" if folders is None else command(name, key, folders))
            move(1)
    return pictures


def command(name: str, key: str | None, folders: Mapping[str, Any]) -> str:
    """The command that draws a picture.

    Args:
        name: of the picture.
        key: of the table, or None.
        folders: as for `drawn_pictures`.
    """
    flags = {"names": name, **({"table": key} if key else {})}
    flags |= {flag: str(folder) for flag, folder in folders.items() if str(folder) != DEFAULTS[flag]}
    return " ".join(["python -m trainers.draw", *(f"--{flag}={shlex.quote(value)}" for flag, value in flags.items())])
