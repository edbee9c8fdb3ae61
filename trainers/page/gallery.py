"""Pictures as the page takes them."""

import pathlib
import xml.etree.ElementTree as ElementTree

from trainers.page.render import data_uri
from trainers.pictures.style import svg

TITLE = "{http://www.w3.org/2000/svg}title"
SOURCE = ".//{http://purl.org/dc/elements/1.1/}source"
DESCRIPTION = ".//{http://purl.org/dc/elements/1.1/}description"


def inlined(picture):
    """A `Picture` as the page takes it."""
    return {"title": picture.title, "alt": picture.alt, "uri": data_uri(svg(picture)), "command": None}


def gallery_content(directory):
    """The pictures that `trainers.draw` has written into a folder.

    Raises:
        ValueError: an SVG file is damaged.
    """
    gallery = []
    for path in sorted(pathlib.Path(directory).glob("*.svg")):
        text = path.read_text()
        try:
            root = ElementTree.fromstring(text)
        except ElementTree.ParseError as error:
            raise ValueError(f"{path} is a damaged picture ({error}). Draw it anew with trainers.draw.") from error
        title, alt, command = (root.findtext(part) or "" for part in (TITLE, DESCRIPTION, SOURCE))
        gallery.append({"title": title or path.stem, "alt": alt, "uri": data_uri(text), "command": command})
    return gallery
