"""Recipe fields and searches on the command line."""

import json
import shlex

import keras
import pytest

from trainers.cli.recipe_flags import override_flags, parse_override, parse_overrides, parse_spaces
from zoo.recipes.searches import SEARCHES

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="does not depend on the backend")


def test_override_values_are_json_or_text():
    assert parse_override("learning_rate=0.5") == ("learning_rate", 0.5)
    assert parse_override("network.hidden_units=[3, 4]") == ("network.hidden_units", [3, 4])
    assert parse_override("regularizers.vmt.field=shift") == ("regularizers.vmt.field", "shift")
    assert parse_override("source=a=b") == ("source", "a=b")


def test_a_shell_passes_written_flags_back_unchanged():
    assignments = {"a.b": 0.1234, "c": [1, 2], "d": {"name": "it's"}, "e": "two words", "f": None, "g": True}
    texts = [flag.removeprefix("--override=") for flag in shlex.split(" ".join(override_flags(assignments)))]
    assert parse_overrides(texts) == assignments


def test_overrides_from_files_and_flags(tmp_path):
    path = tmp_path / "best.json"
    path.write_text(json.dumps({"a.b": 0.5, "epochs": 3}))
    assert parse_overrides([str(path), "epochs=4"]) == {"a.b": 0.5, "epochs": 4}
    path.write_text("[1]")
    with pytest.raises(ValueError, match=r"best.json must map recipe fields to values, received \[1\]"):
        parse_overrides([str(path)])
    with pytest.raises(OSError, match="none.json"):
        parse_overrides([str(tmp_path / "none.json")])


@pytest.mark.parametrize(
    "text, domain",
    [
        ("a=log:0.01:10.0", {"min": 0.01, "max": 10.0, "sampling": "log"}),
        ("a=linear:1:4", {"min": 1, "max": 4, "sampling": "linear"}),
        ("a=0.25,0.5,1", {"values": [0.25, 0.5, 1]}),
        ("a=shift,scale", {"values": ["shift", "scale"]}),
        ("a=[8],[8, 8]", {"values": [[8], [8, 8]]}),
        ("a=true,null", {"values": [True, None]}),
    ],
)
def test_space_of_one_field(text, domain):
    assert parse_spaces([text]) == {"space": {"a": domain}}


@pytest.mark.parametrize(
    "text, message",
    [
        ("a=logg:0.1:1", "Unknown sampling 'logg'. Did you mean 'log'"),
        ("a=log:0.1", "FIELD=log:MIN:MAX, received 'log:0.1'"),
    ],
)
def test_malformed_ranges_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse_spaces([text])


def test_spaces_add_up(tmp_path):
    path = tmp_path / "space.json"
    path.write_text(json.dumps({"b": {"values": [1]}}))
    search = parse_spaces(["vmt_paper_vat", "a=1,2", str(path)])
    vat = SEARCHES["vmt_paper_vat"]
    assert search == {**vat, "space": {**vat["space"], "a": {"values": [1, 2]}, "b": {"values": [1]}}}
    assert list(vat["space"]) == ["regularizers.vat.epsilon"]  # the original is as it was


def test_unknown_predefined_space_names_the_nearest():
    with pytest.raises(ValueError, match="Unknown space 'vmt_papr_vat'. Did you mean 'vmt_paper_vat'"):
        parse_spaces(["vmt_papr_vat"])
