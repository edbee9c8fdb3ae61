"""Every relative link in a document leads to a file that exists, and to a heading in it."""

import re

import pytest

from tests.support.documents import LINKING, ROOT, markdown_of


def headings(path):
    """The anchors of a document's headings, as Git hosts and the site name them."""
    found = re.findall(r"^#+ (.*)$", markdown_of(path), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in found}


def dead_links(document):
    """The relative links that lead nowhere."""
    prose = re.sub(r"^```.*?^```", "", markdown_of(document), flags=re.DOTALL | re.MULTILINE)
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        if "://" not in link and not (target.exists() and (not anchor or anchor in headings(target))):
            dead.append(link)
    return dead


@pytest.mark.parametrize("document", LINKING, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    assert not dead_links(document)


def test_a_dead_link_is_found(tmp_path):
    document = tmp_path / "a.md"
    document.write_text(
        "# One two\n[1](#one-two) [2](a.md#one-two) [3](#two) [4](b.md) ![5](c.svg) [6](https://x.org)\n"
    )
    assert dead_links(document) == ["#two", "b.md", "c.svg"]
