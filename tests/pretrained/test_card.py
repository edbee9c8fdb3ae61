"""Cards: checksums and the index made of them."""

import json
import re

import pytest

from zoo.pretrained.card import CARD_FILE, read_card, verify, write_card


@pytest.fixture
def model_folder(tmp_path):
    folder = tmp_path / "toy-vat"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.index").write_bytes(b"index")
    shape = {"num_parameters": 1200, "input_shape": [4], "model": {}}
    write_card(folder, {"name": "toy-vat", "errors": {"test": 1.234}, "published_error": 0.5, **shape})
    return folder


def test_intact_folder_passes(model_folder):
    card = verify(model_folder)
    assert set(card["files"]) == {"saved_model.pb", "variables/variables.index"}
    assert card["errors"] == {"test": 1.234}


@pytest.mark.parametrize("name", ["saved_model.pb", "variables/variables.index"])
@pytest.mark.parametrize("change", ["flip", "truncate", "remove"])
def test_changed_file_is_named(model_folder, name, change):
    path = model_folder / name
    content = bytearray(path.read_bytes())
    if change == "remove":
        path.unlink()
    else:
        content[0] ^= 1
        path.write_bytes(content if change == "flip" else content[1:])
    with pytest.raises(ValueError, match=name):
        verify(model_folder)


def test_added_file_is_named(model_folder):
    (model_folder / "variables" / "extra").write_bytes(b"?")
    with pytest.raises(ValueError, match="variables/extra"):
        verify(model_folder)


def test_embellished_card_is_refused(model_folder):
    path = model_folder / CARD_FILE
    card = json.loads(path.read_text())
    card["errors"]["test"] = 0.1
    path.write_text(json.dumps(card))
    with pytest.raises(ValueError, match="altered"):
        read_card(model_folder)


def test_an_error_that_is_no_number_is_refused(model_folder):
    card = json.loads((model_folder / CARD_FILE).read_text())
    write_card(model_folder, {**card, "errors": {"test": "low"}})
    with pytest.raises(ValueError, match="damaged: The error 'test' must be a number, received 'low'"):
        read_card(model_folder)


@pytest.mark.parametrize("robust", [{}, {"error": "low", "epsilon": 0.1, "num_examples": 9}, {"error": 9.5}, 9.5, None])
def test_a_robust_error_that_is_no_number_is_refused(model_folder, robust):
    card = json.loads((model_folder / CARD_FILE).read_text())
    write_card(model_folder, {**card, "robust_error": robust})
    with pytest.raises(ValueError, match="damaged"):
        read_card(model_folder)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "null"])
def test_damaged_card_is_refused(model_folder, content):
    (model_folder / CARD_FILE).write_text(content)
    with pytest.raises(ValueError, match="damaged"):
        read_card(model_folder)


def test_missing_card_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=CARD_FILE):
        verify(tmp_path)


@pytest.mark.parametrize(
    "field, value, kind", [("name", None, "str"), ("num_parameters", "7", "int"), ("input_shape", {"a": 4}, "list")]
)
def test_a_field_of_another_type_is_refused(model_folder, field, value, kind):
    card = json.loads((model_folder / CARD_FILE).read_text())
    write_card(model_folder, {**card, field: value})
    message = f"{CARD_FILE} is damaged: '{field}' must be {kind}, received {value!r}"
    with pytest.raises(ValueError, match=re.escape(message)):
        read_card(model_folder)


def test_a_link_is_no_file_of_a_model(model_folder, tmp_path):
    (tmp_path / "outside").write_bytes(b"index")
    linked = model_folder / "variables" / "variables.index"
    linked.unlink()
    linked.symlink_to(tmp_path / "outside")
    with pytest.raises(ValueError, match="holds 'variables/variables.index', which is a link or a special file"):
        verify(model_folder)
