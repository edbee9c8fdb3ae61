"""The documents of the repository, and the commands in them."""

import pathlib
import re
import shlex
from typing import NamedTuple

import nbformat

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "BUILD.md",
    ROOT / "benchmarks" / "README.md",
    ROOT / "docs" / "README.md",
    *GUIDES,
]
PATTERNS = ("*.md", "*/README.md", "results/*/README.md", "docs/**/*.md", "docs/notebooks/*.ipynb")
LINKING = sorted({path for pattern in PATTERNS for path in ROOT.glob(pattern)})
PROGRAMS = ("make", "pip", "python", "python3")


class Command(NamedTuple):
    """A command in a document: where, its words without variables set before it, and the line."""

    document: pathlib.Path
    words: list
    line: str


def read_notebook(path):
    """The notebook in a file."""
    return nbformat.read(path, as_version=4)


def markdown_of(document):
    """The Markdown of a document: of a notebook, that of its cells."""
    if document.suffix != ".ipynb":
        return document.read_text()
    return "\n\n".join(cell.source for cell in read_notebook(document).cells if cell.cell_type == "markdown")


def command_lines(text):
    """The lines of ```sh and indented blocks, continued ones joined, and the code spans of a document."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return lines + re.findall(r"^ {4}(\S.*)$", prose, flags=re.MULTILINE) + re.findall(r"`([^`\n]+)`", prose)


def commands(document):
    """The commands of a document that start one of `PROGRAMS`."""
    found = []
    for line in command_lines(document.read_text()):
        try:
            words = shlex.split(re.sub(r"\$\w+", "0", line.removesuffix("&")), comments=True)  # a loop's first round
        except ValueError:  # a code span with an apostrophe
            continue
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words.pop(0)
        if words and pathlib.PurePath(words[0]).name in PROGRAMS:
            found.append(Command(document, [pathlib.PurePath(words[0]).name, *words[1:]], line))
    return found
