"""Every public name says in its docstring what a caller needs, and published methods name their source."""

import re

import griffe
import pytest

from tests.support.documents import ROOT

EXTENSIONS = griffe.load_extensions(ROOT / "docs" / "griffe_extensions.py")
PACKAGE = griffe.load("zoo", search_paths=[ROOT], extensions=EXTENSIONS, resolve_aliases=True, resolve_implicit=True)
ROOMS = sorted(re.findall(r"^::: zoo\.(\S+)", "\n".join(p.read_text() for p in (ROOT / "docs/api").glob("*.md")), re.M))
PUBLIC = {f"{room}.{name}": PACKAGE[room].members[name] for room in ROOMS for name in map(str, PACKAGE[room].exports)}
PUBLISHED = [
    "analysis.auto_attack",
    "analysis.auto_pgd",
    "analysis.fast_adaptive_boundary",
    "analysis.sign_noise",
    "analysis.square",
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
    *(f"regularizers.{name!s}" for name in PACKAGE["regularizers.REGULARIZERS"].value.values),
    *(f"regularizers.{field}" for field in ("Rotation", "Scale", "Shift")),
]


def described_arguments(member):
    """The names that the sections on arguments and attributes have entries for."""
    sections = member.docstring.parse("google", warnings=False)
    listed = (section.value for section in sections if section.kind.value in ("parameters", "attributes"))
    entries = [entry for section in listed for entry in section]
    # Griffe takes the second of two names, as in "x, y: arrays", for the first one's type.
    return {name.strip(" (),*") for each in entries for name in f"{each.name},{each.annotation or ''}".split(",")}


def missing_arguments(member):
    """The arguments without an entry; those that a subclass hands on to Keras have none."""
    named = [p.name for p in member.parameters if not p.kind.value.startswith("variadic")]
    return set(named) - {"self"} - described_arguments(member)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_says_what_it_is(name):
    member = PUBLIC[name]
    assert member.docstring and member.docstring.value.split("\n")[0].endswith((".", "`"))
    assert member.is_attribute or not missing_arguments(member)


@pytest.mark.parametrize("name", [name for name, member in PUBLIC.items() if not member.is_attribute])
def test_every_public_class_and_function_has_an_example(name):
    assert re.search(r"^Examples:\n +(>>> |```)", PUBLIC[name].docstring.value, re.M)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_methods_name_their_source(name):
    assert re.search(r"Source: |paper, equation|et al\. (19|20)\d\d", PUBLIC[name].docstring.value)


def test_an_argument_without_an_entry_is_missed(tmp_path):
    code = 'def area(width, height):\n    """The area.\n\n    Args:\n        width: in meters.\n    """\n'
    (tmp_path / "shapes.py").write_text(code)
    assert missing_arguments(griffe.load("shapes", search_paths=[tmp_path])["area"]) == {"height"}
