"""The folders are rooms in an order: the modules of one import from it and from those below."""

import ast
import itertools
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[1]
ROOMS = {  # from below
    "zoo": (
        "backend",
        "layers",
        "datasets",
        "networks",
        "regularizers",
        "training",
        "ladder",
        "analysis",
        "pretrained",
        "recipes",
    ),
    "trainers": ("results", "cli", "runs", "tuning", "analysis", "pictures", "page"),
}


def imported(path):
    """The modules that a file imports, also inside its functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def from_above(rooms, room, modules):
    """Of some modules those that lie in higher rooms."""
    above = rooms[rooms.index(room) + 1 :]
    return [module for module in modules if module.split(".")[1:2] and module.split(".")[1] in above]


@pytest.mark.parametrize("tree", ROOMS)
def test_every_folder_has_its_place(tree):
    folders = {path.parent.name for path in (ROOT / tree).glob("*/__init__.py")}
    assert folders == set(ROOMS[tree])


@pytest.mark.parametrize(("tree", "room"), [(tree, room) for tree, rooms in ROOMS.items() for room in rooms])
def test_a_room_imports_from_below(tree, room):
    found = {}
    for path in (ROOT / tree / room).rglob("*.py"):
        modules = [module for module in imported(path) if module.startswith(f"{tree}.")]
        if higher := from_above(ROOMS[tree], room, modules):
            found[str(path.relative_to(ROOT))] = higher
    assert not found


def test_the_library_does_not_import_its_commands():
    assert not [path for path in (ROOT / "zoo").rglob("*.py") if any(m.startswith("trainers") for m in imported(path))]


def test_an_import_from_above_is_found():
    rooms = ROOMS["trainers"]
    for low, high in itertools.combinations(rooms, 2):
        assert from_above(rooms, low, [f"trainers.{high}.module"]) and not from_above(rooms, high, [f"trainers.{low}"])
