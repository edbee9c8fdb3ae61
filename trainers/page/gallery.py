"""Pictures for the page."""

import pathlib
import re
import xml.etree.ElementTree as ElementTree
from typing import Any

from trainers.page.render import data_uri
from trainers.pictures.files import svg
from trainers.pictures.style import Picture

TITLE = "{http://www.w3.org/2000/svg}title"
SOURCE = ".//{http://purl.org/dc/elements/1.1/}source"
DESCRIPTION = ".//{http://purl.org/dc/elements/1.1/}description"
SIZE = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
METADATA = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<title>.*?</title>|<metadata>.*?</metadata>", re.DOTALL)


def content_of(text: str, title: str, alt: str, command: str) -> dict[str, Any]:
    """A picture on the page.

    Args:
        text: of its SVG file.
        title: its caption.
        alt: what it shows, in words.
        command: that draws it; empty if there is none.
    """
    size = SIZE.search(text)
    width, height = map(float, size.groups()) if size else (4.0, 3.0)
    bare = METADATA.sub("", text)
    return {
        "title": title,
        "alt": alt,
        "uri": data_uri(bare),
        "command": command,
        "width": round(width),
        "height": round(height),
    }


def inlined(picture: Picture, command: str = "") -> dict[str, Any]:
    """A picture that is drawn for the page."""
    return content_of(svg(picture), picture.title, picture.alt, command)


def gallery_content(directory: str | pathlib.Path) -> dict[str, dict[str, Any]]:
    """The pictures that `trainers.draw` wrote into a folder.

    Args:
        directory: the folder; a missing one has no pictures.

    Returns:
        `{name of the file without its ending: picture}`.

    Raises:
        ValueError: an SVG file is damaged.
    """
    gallery = {}
    for path in sorted(pathlib.Path(directory).glob("*.svg")):
        text = path.read_text()
        try:
            root = ElementTree.fromstring(text)
        except ElementTree.ParseError as error:
            raise ValueError(f"{path} is damaged ({error}). Draw it again with trainers.draw.") from error
        title, alt, command = (root.findtext(part) or "" for part in (TITLE, DESCRIPTION, SOURCE))
        gallery[path.stem] = content_of(text, title or path.stem, alt, command)
    return gallery
