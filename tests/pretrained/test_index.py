"""The index that ships with the package describes the folder of published models."""

import json
import pathlib
import tomllib

import zoo
from zoo.pretrained.index import INDEX_FILE, make_index, read_index

ROOT = pathlib.Path(__file__).parents[2]
CONTENT = json.loads(INDEX_FILE.read_text())


def test_index_describes_the_folder():
    """After new models: python -m trainers.publish --index."""
    assert make_index(ROOT / "saved_models", CONTENT["base"]) == CONTENT


def test_sizes_are_those_of_all_files():
    for name, entry in read_index()[1].items():
        files = [path for path in (ROOT / "saved_models" / name).rglob("*") if path.is_file()]
        assert entry.size == sum(path.stat().st_size for path in files)


def test_the_repository_is_named_at_the_tag_of_the_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    repository = project["urls"]["Homepage"]
    if CONTENT["base"].startswith(repository):
        assert CONTENT["base"] == f"{repository}/raw/v{zoo.__version__}/saved_models"


def test_index_ships():
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert INDEX_FILE.relative_to(ROOT / "zoo").as_posix() in setup["package-data"]["zoo"]
    assert INDEX_FILE.stat().st_size < 2**15
