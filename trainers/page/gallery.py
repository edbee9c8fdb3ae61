"""Pictures for the page."""

import pathlib
import xml.etree.ElementTree as ElementTree
from typing import Any

from trainers.page.render import data_uri
from trainers.pictures.style import Picture, svg

TITLE = "{http://www.w3.org/2000/svg}title"
SOURCE = ".//{http://purl.org/dc/elements/1.1/}source"
DESCRIPTION = ".//{http://purl.org/dc/elements/1.1/}description"


def inlined(picture: Picture) -> dict[str, Any]:
    """A picture that is drawn for the page."""
    return {"title": picture.title, "alt": picture.alt, "uri": data_uri(svg(picture)), "command": None}


def gallery_content(directory: str | pathlib.Path) -> list[dict[str, Any]]:
    """The pictures that `trainers.draw` wrote into a folder.

    Args:
        directory: the folder; a missing one has no pictures.

    Raises:
        ValueError: an SVG file is damaged.
    """
    gallery = []
    for path in sorted(pathlib.Path(directory).glob("*.svg")):
        text = path.read_text()
        try:
            root = ElementTree.fromstring(text)
        except ElementTree.ParseError as error:
            raise ValueError(f"{path} is damaged ({error}). Draw it again with trainers.draw.") from error
        title, alt, command = (root.findtext(part) or "" for part in (TITLE, DESCRIPTION, SOURCE))
        gallery.append({"title": title or path.stem, "alt": alt, "uri": data_uri(text), "command": command})
    return gallery
