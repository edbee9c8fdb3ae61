"""The site builds without a warning, shows every public name, and needs no other host."""

import html
import inspect
import os
import re
import subprocess
import sys

import pytest

import zoo
from tests.support.documents import NOTEBOOKS, ROOT, read_notebook

PACKAGES = [
    zoo,
    zoo.analysis,
    zoo.analysis.attacks,
    zoo.datasets,
    zoo.ladder,
    zoo.layers,
    zoo.networks,
    zoo.pretrained,
    zoo.recipes,
    zoo.regularizers,
    zoo.training,
    zoo.training.callbacks,
]
FETCHED = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=["']?((?:https?:)?//[^\s"'>]+)""")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert not done.returncode, done.stderr
    return folder


def page_of(package):
    """The page that has a package's names."""
    name = package.__name__.removesuffix(".callbacks").rpartition(".")[2]
    return f"docs/api/{name}.html"


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_page_shows_what_the_package_exports(package, site):
    anchors = re.findall(r'<h\d id="([^"]+)"', (site / page_of(package)).read_text())
    shown = {anchor.rpartition(".")[2] for anchor in anchors if anchor.rpartition(".")[0] == package.__name__}
    assert shown == {name for name in package.__all__ if not inspect.ismodule(getattr(package, name))}


def test_every_package_with_public_names_has_a_page():
    exporting = {path.parent for path in (ROOT / "zoo").rglob("__init__.py") if "__all__ = [" in path.read_text()}
    assert {".".join(path.relative_to(ROOT).parts) for path in exporting} == {each.__name__ for each in PACKAGES}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_a_page_with_its_outputs(path, site):
    page = html.unescape((site / path.relative_to(ROOT)).with_suffix(".html").read_text())
    cells = read_notebook(path).cells
    described = [cell.metadata.alt for cell in cells if "alt" in cell.metadata]
    assert re.findall(r'<img alt="([^"]+)" src="data:image/png;base64,', page) == described != []
    assert all("".join(each.get("text", "") for each in cell.get("outputs", ())) in page for cell in cells)


def test_pages_need_no_other_host(site):
    pages = [path for path in site.rglob("*.html") if path.name != "report.html"]
    fetched = {(path.name, url) for path in pages for url in FETCHED.findall(path.read_text())}
    assert len(pages) > 25 and not fetched


def test_a_file_of_another_host_is_noticed():
    assert FETCHED.findall('<link rel="stylesheet" href="https://fonts.example/css"><script src=//cdn.example/x.js>')
    assert not FETCHED.findall('<script src="../assets/x.js"></script><a href="https://arxiv.org/abs/1507.00677">')
