"""The examples in docstrings, found by Sybil."""

import doctest
import re
import textwrap

from sybil import Document, Region
from sybil.document import PythonDocStringDocument
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import PythonCodeBlockParser
from sybil.parsers.rest import DocTestParser
from sybil.region import Lexeme

INDENTED = re.compile(r"^( *)Examples?:\n((?:[ \t]*\n|\1 +.*(?:\n|\Z))+)", flags=re.MULTILINE)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def indented_blocks(document):
    """The code under "Example:" that has neither prompts nor a fence (a parser for Sybil)."""
    for match in INDENTED.finditer(document.text):
        code = Lexeme(textwrap.dedent(match[2]), offset=match.start(2) - match.start(), line_offset=0)
        yield Region(match.start(), match.end(), code, PythonEvaluator())


def parser_of(text):
    """The parser for the way in which a docstring writes its examples."""
    if "```python" in text:
        return PythonCodeBlockParser(doctest_optionflags=FLAGS)
    return DocTestParser(FLAGS) if ">>>" in text else indented_blocks


def documents(path):
    """A document for each docstring of a file that has examples, in the order of the file; its lines are the file's."""
    source = path.read_text()
    for start, _, text in sorted(PythonDocStringDocument.extract_docstrings(source)):
        document = Document("\n" * source.count("\n", 0, start) + text, str(path))
        for region in parser_of(text)(document):
            document.add(region)
        if document.regions:
            yield document
