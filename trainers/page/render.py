"""Renders a page as a single HTML file."""

import base64
import hashlib
import pathlib
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

import jinja2
import markupsafe

TAG = re.compile(r"<[^>]*>")
EXCHANGED = str.maketrans("\"'", "'\"")
UNESCAPED = " !$()*+,-./:;<=>?@[]^_`{|}~'"
TEMPLATES = pathlib.Path(__file__).parent / "templates"


def code(text: str) -> markupsafe.Markup:
    """Escapes text for HTML, and marks what stands in backticks as code."""
    return markupsafe.Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(markupsafe.escape(text))))


def data_uri(text: str) -> markupsafe.Markup:
    """The text of an SVG file as the address of an image, for an attribute in double quotes.

    It is a third shorter than base64. Quotes within tags are exchanged, because the address escapes the double ones.
    """
    exchanged = TAG.sub(lambda tag: tag[0].translate(EXCHANGED), re.sub(r">\s+<", "><", text.strip()))
    return markupsafe.Markup("data:image/svg+xml," + urllib.parse.quote(exchanged, safe=UNESCAPED))


def render(content: Mapping[str, Any]) -> str:
    """Renders a page.

    Args:
        content: the variables of the template, as `trainers.page.contents` makes them. None leaves out a section. The
            template escapes all text.

    Returns:
        The HTML.
    """
    script = (TEMPLATES / "report.js").read_text()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = code
    return environment.get_template("report.html").render(
        content,
        style=markupsafe.Markup((TEMPLATES / "report.css").read_text()),
        script=markupsafe.Markup(script),
        script_hash=f"sha256-{digest}",  # the page runs this script only
    )
