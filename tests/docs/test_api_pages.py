"""The API pages are what the docstrings give, and every public name's docstring says what a caller needs."""

import inspect
import operator
import re

import keras
import pytest

from docs import api_pages

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the same on every backend")

VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
PACKAGE = api_pages.read_package()
MODULES = api_pages.public_modules(PACKAGE)
PUBLIC = {
    f"{name}.{each}": api_pages.look_up(module, each)
    for name, module in MODULES.items()
    for each in api_pages.public_names(module)
}
OBJECTS = {name: member for name, member in PUBLIC.items() if not member.is_attribute}
PUBLISHED = [
    "analysis.sign_noise",
    "analysis.worst_movement_changes",
    "datasets.bootstrap",
    "datasets.synthetic_sines",
    "ladder.AdversarialNoise",
    "ladder.LadderNetwork",
    "layers.PerImageContrastNormalization",
    "layers.ZCAWhitening",
    "networks.conv_large",
    "networks.conv_small",
    "networks.ensemble",
    "regularizers.adversarial_noise",
    "regularizers.gaussian_kl",
    "training.reestimate_statistics",
    *(f"regularizers.{str(method)}" for method in PACKAGE["regularizers.METHODS"].value.values),
    *(f"regularizers.{field}" for field in ("Rotation", "Scale", "Shift")),
]


def described_arguments(member):
    """The names that the sections on arguments and attributes have entries for."""
    text = api_pages.describe(member)
    labels = re.findall(r"^- `([^`]+)`:", text, flags=re.MULTILINE)
    return {name.strip().lstrip("*") for label in labels for name in label.split(",")}


def missing_arguments(member):
    """The arguments without an entry; those that a subclass hands on to Keras have none."""
    named = [p.name for p in member.parameters if not p.kind.value.startswith("variadic")]
    return set(named) - {"self"} - described_arguments(member)


def test_pages_are_what_the_docstrings_give():
    folder = api_pages.ROOT / "docs" / "api"
    texts = api_pages.render()
    assert {path.name for path in folder.iterdir()} == set(texts)
    for name, text in texts.items():
        assert (folder / name).read_text() == text, f"{name} is out of date: run `make docs`."


def test_public_names_are_those_of_the_package():
    import zoo

    assert set(api_pages.public_names(PACKAGE)) == set(zoo.__all__)
    for name, module in MODULES.items():
        imported = getattr(zoo, name)
        assert module.docstring.value == inspect.getdoc(imported)
        assert all(hasattr(imported, each) for each in api_pages.public_names(module))


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_says_what_it_is(name):
    member = PUBLIC[name]
    assert member.docstring and api_pages.summary(member).endswith((".", "`"))
    assert member.is_attribute or not missing_arguments(member)


@pytest.mark.parametrize("name", [name for name, member in OBJECTS.items() if member.is_class])
def test_a_class_is_shown_with_the_arguments_that_python_takes(name):
    import zoo

    named = [p for p in inspect.signature(operator.attrgetter(name)(zoo)).parameters.values() if p.kind not in VARIADIC]
    shown = re.findall(r"[(,] (\w+)", api_pages.signature(OBJECTS[name], "x").replace("(", "( "))
    assert [each for each in shown if each in {p.name for p in named}] == [p.name for p in named]


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_methods_name_their_source(name):
    assert re.search(r"Source: |paper, equation|et al\. (19|20)\d\d", OBJECTS[name].docstring.value)


def test_an_argument_without_an_entry_is_missed(tmp_path):
    import griffe

    code = 'def area(width, height):\n    """The area.\n\n    Args:\n        width: in meters.\n    """\n'
    (tmp_path / "shapes.py").write_text(code)
    area = griffe.load("shapes", search_paths=[tmp_path])["area"]
    assert missing_arguments(area) == {"height"}
