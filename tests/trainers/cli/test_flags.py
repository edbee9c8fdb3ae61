"""Flags of several commands have the same words, and what the commands list without importing the zoo is complete."""

import json
import subprocess
import sys

import pytest
from absl import flags

from tests.support.documents import ROOT
from tests.support.parse_flags import separate_flags
from tests.trainers.cli.test_commands import PROGRAMS
from trainers.cli import words
from trainers.cli.choices import allow
from trainers.cli.help import describe, help_text
from trainers.pictures.from_networks import FROM_NETWORKS
from trainers.pictures.from_results import OF_TABLE, OF_ZOO
from zoo import analysis
from zoo.analysis.classifier import STATISTICS
from zoo.backend.distribution import WAYS
from zoo.pretrained.conversion import SUFFIXES

DESCRIBE = """
import json, runpy, sys
from absl import flags
module = runpy.run_module(f"trainers.{sys.argv[1]}", run_name="not main")
holders = [holder for group in module["SECTIONS"].values() for holder in group]
found = {holder.name: flags.FLAGS[holder.name] for holder in holders}
helps = {name: flag.help.partition(";\\n    repeat this option")[0] for name, flag in found.items()}
lists = {name: value for name, value in module.items() if name.isupper() and isinstance(value, list)}
enums = {name: list(getattr(flag.parser, "enum_values", [])) for name, flag in found.items()}
json.dump([helps, lists, enums], sys.stdout)
"""
SHARED = {name.lower(): text for name, text in vars(words).items() if name.isupper()}
OTHER_MEANING = {("draw", "workdir"), ("report", "workdir")}  # a folder to read


@pytest.fixture(scope="module")
def described():
    """`{program: [{flag: help}, {list in the program: names}, {flag: choices}]}`."""
    processes = {
        program: subprocess.Popen([sys.executable, "-c", DESCRIBE, program], cwd=ROOT, stdout=subprocess.PIPE)
        for program in PROGRAMS
    }
    return {program: json.loads(process.communicate()[0]) for program, process in processes.items()}


def test_flags_of_several_commands_have_the_same_words(described):
    seen = {}
    for program, (helps, _, _) in described.items():
        for name, text in helps.items():
            seen.setdefault(name, set()).add(program)
            if name in SHARED and (program, name) not in OTHER_MEANING:
                assert text.startswith(SHARED[name]), (program, name)
    of_distribution = {"distribute", "coordinator", "num_processes", "process_index"}
    several = {name for name, programs in seen.items() if len(programs) > 1}
    assert several - of_distribution - {"format", "export", "batch_size"} <= SHARED.keys()
    assert SHARED.keys() - seen.keys() == set()


def test_helps_are_sentences(described):
    for program, (helps, _, _) in described.items():
        for name, text in helps.items():
            assert text.endswith(".") and text.count("Default:") <= 1 and ".," not in text, (program, name)


def test_names_that_commands_know_by_heart_are_those_of_the_zoo(described):
    _, names, enums = described["evaluate"]
    assert sorted(names["NAMES"]) == sorted([*analysis.ATTACKS, *analysis.MOVEMENTS])
    assert enums["units"] == list(analysis.UNITS) and enums["statistics"] == list(STATISTICS)
    assert sorted(described["convert"][1]["FORMATS"]) == sorted(SUFFIXES)
    pictures = described["draw"][1]
    assert pictures["OF_NETWORKS"] == list(FROM_NETWORKS)
    assert pictures["OF_TABLE"] == list(OF_TABLE) and pictures["OF_ALL_RESULTS"] == list(OF_ZOO)
    for program in ("train", "reproduce"):
        assert described[program][2]["distribute"] == list(WAYS)


@pytest.fixture
def own():
    """A place for flags of a test."""
    with separate_flags():
        yield flags.FLAGS


def test_an_unknown_name_gives_the_nearest(own):
    name, names = flags.DEFINE_string("fruit", None, "Fruit."), flags.DEFINE_list("fruits", [], "Fruits.")
    allow(name, "fruit", ["pear", "plum"])
    allow(names, "fruit", ["pear", "plum"])
    own(["program", "--fruit=pear", "--fruits=pear,plum"])
    assert name.value == "pear" and names.value == ["pear", "plum"]
    for wrong in ("--fruit=paer", "--fruits=plum,paer"):
        with pytest.raises(flags.Error, match="Unknown fruit 'paer'. Did you mean 'pear'"):
            own(["program", wrong])


def test_help_describes_choices_and_defaults(own, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    holders = {
        "fruit": flags.DEFINE_enum("fruit", "pear", ["pear", "plum"], "Fruit to eat."),
        "way": flags.DEFINE_enum("way", None, ["a", "b"], "a: this. b: that."),
        "seeds": flags.DEFINE_integer("seeds", 0, "Seeds in it."),
        "ripe": flags.DEFINE_bool("ripe", False, "Whether it is ripe."),
        "note": flags.DEFINE_multi_string("note", [], "Notes."),
        "kind": flags.DEFINE_string("kind", None, "Kind. Default: the usual one."),
    }
    texts = {name: describe(own[name]) for name in holders}
    assert texts == {
        "fruit": "Fruit to eat. One of pear, plum. Default: pear.",
        "way": "a: this. b: that.",
        "seeds": "Seeds in it. Default: 0.",
        "ripe": "Whether it is ripe.",
        "note": "Notes.",
        "kind": "Kind. Default: the usual one.",
    }
    text = help_text("Eats.\n\n    python -m eat\n", {"What": [holders["fruit"]], "How": [holders["ripe"]]})
    assert text.startswith("Eats.\n\n    python -m eat\n\nWhat:\n  --fruit     Fruit to eat.")
    assert "\n\nHow:\n  --[no]ripe  Whether it is ripe.\n" in text
    assert max(len(line) for line in text.splitlines()[:8]) <= 60
