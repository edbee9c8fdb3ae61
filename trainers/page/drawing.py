"""Pictures of results, drawn for the page."""

from collections.abc import Mapping
from typing import Any

from trainers.page.commands import of_picture
from trainers.page.gallery import inlined
from trainers.pictures.from_results import OF_TABLE, OF_ZOO
from trainers.results.method_table import MethodTable
from trainers.results.tables import TABLES, parts
from trainers.runs.progress import progress

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
                pictures[name, key] = inlined(picture, "" if folders is None else of_picture(name, key, folders))
            move(1)
    return pictures
