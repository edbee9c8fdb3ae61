"""Downloads: a model appears in the cache complete and checked, or an error says in one line what to do."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading

import pytest

import zoo
from tests.support import model_server as faults
from tests.support.served_models import DATA, assert_refused, write_model
from zoo.pretrained import downloading
from zoo.pretrained.card import CARD_FILE, CHECKSUM, card_sum, verify
from zoo.pretrained.downloading import cached_models, folder_of


def test_a_model_of_the_index_is_downloaded_once(served):
    assert "toy" not in zoo.list_models() and "toy" in zoo.list_models(remote=True)
    path = zoo.pretrained.find("toy")
    assert path == cached_models() / "toy" and verify(path) == verify(served.folder / "toy")
    assert served.paths() == [CARD_FILE, "saved_model.pb", pathlib.Path(DATA).name]
    assert zoo.pretrained.find("toy") == path and len(served.requests) == 3
    assert "toy" in zoo.list_models() and zoo.model_card("toy")["errors"] == {"test": 1.25}


def test_local_folders_come_first(served, tmp_path, monkeypatch):
    write_model(tmp_path / "mine" / "toy", error=9.0)
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path / "mine"))
    assert zoo.pretrained.find("toy") == tmp_path / "mine" / "toy"
    assert zoo.pretrained.find("synthetic_mlp-vat").parent.name == "saved_models"  # of the repository
    with pytest.raises(ValueError, match="Did you mean 'toy'"):
        zoo.pretrained.find("tooy", tmp_path / "mine")
    assert served.requests == []


def test_a_lying_server(served):
    served.faults[DATA] = [faults.lie]
    assert_refused(ValueError, f"damaged or altered: {DATA} differs from the card. Nothing of it was kept")


@pytest.mark.parametrize("named", [True, False])
def test_threads_that_download_one_model(served, named):
    served.faults[DATA] = [faults.break_off]
    name, found = "toy" if named else f"{served.address}/toy", []
    threads = [threading.Thread(target=lambda: found.append(zoo.pretrained.find(name))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(found)) == 1 and verify(found[0]) == verify(served.folder / "toy")
    assert served.paths().count("saved_model.pb") == 1
    assert [path.name for path in found[0].parent.iterdir()] == ["toy"]


def test_an_address_may_not_send_a_file_of_any_size(served, monkeypatch):
    monkeypatch.setattr(downloading, "MAX_FILE", 2999)
    assert_refused(ValueError, "it sends more than the 2,999 bytes that are expected", f"{served.address}/toy")


def test_an_error_begins_on_its_own_line(served, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    served.faults[DATA] = [faults.lie]
    assert_refused(ValueError, "damaged or altered", f"{served.address}/toy")
    printed = capsys.readouterr().err
    assert "KiB" in printed and printed.endswith("\n")


def test_another_model_than_the_index_states(served):
    write_model(served.folder / "toy", error=2.0)
    assert_refused(ValueError, "another model than this version of the zoo expects.*Upgrade the zoo")


@pytest.mark.parametrize("file", ["../../secret", "/etc/passwd", "variables/../../x", ".hidden", "a\\b", "", CARD_FILE])
def test_a_card_that_claims_other_files(served, file):
    path = served.folder / "toy" / CARD_FILE
    card = json.loads(path.read_text())
    card["files"][file] = "0" * 64
    path.write_text(json.dumps({**card, CHECKSUM: card_sum(card)}))
    address = f"{served.address}/toy"
    assert_refused(ValueError, "is refused: its card names .*no file of a SavedModel", address)
    assert served.paths() == [CARD_FILE]


def test_a_card_that_claims_a_file_that_is_missing(served):
    (served.folder / "toy" / DATA).unlink()
    assert_refused(ValueError, f"incomplete: its card names {DATA}, which the server does not have")


@pytest.mark.parametrize("content", ["{}", "<html>", '{"card_sha256": "0"}'])
def test_an_address_without_a_card(served, content):
    assert_refused(ValueError, "no model of the zoo: it has no card.json", f"{served.address}/other")
    (served.folder / "toy" / CARD_FILE).write_text(content)
    message = assert_refused(ValueError, "no model of the zoo: its card.json (is damaged|was altered)")
    assert "/tmp" not in message


def test_an_address_is_downloaded_again_if_the_model_changed(served, monkeypatch):
    address = f"{served.address}/toy"
    path = zoo.pretrained.find(address)
    assert path.name == "toy" and path == folder_of(address) and "toy" not in zoo.list_models()
    zoo.pretrained.find(address)
    assert served.paths().count(CARD_FILE) == 2 and served.paths().count("saved_model.pb") == 1
    write_model(served.folder / "toy", error=7.5)
    assert zoo.model_card(address)["errors"] == {"test": 7.5}
    served.faults[CARD_FILE] = [faults.refuse]
    assert zoo.pretrained.find(address) == path  # without the server, the one in the cache


def test_a_damaged_cache_is_repaired(served):
    path = zoo.pretrained.find("toy")
    (path / DATA).write_bytes(b"cut")
    assert verify(zoo.pretrained.find("toy")) == verify(served.folder / "toy")


KILLED = """
import os, signal, sys
from zoo.pretrained import find, http_source
copy = http_source.HttpSource._copy
def copy_or_die(source, file, answer, written, limit):
    if file == "saved_model.pb":
        os.kill(os.getpid(), signal.SIGKILL)
    return copy(source, file, answer, written, limit)
http_source.HttpSource._copy = copy_or_die
find(sys.argv[1])
"""


def test_a_killed_download_is_no_model_and_its_rest_goes(served):
    address = f"{served.address}/toy"
    environment = {**os.environ, "KERAS_BACKEND": "jax"}  # which starts faster
    assert subprocess.run([sys.executable, "-c", KILLED, address], env=environment).returncode < 0
    parent = folder_of(address).parent
    (half,) = parent.iterdir()
    assert half.name.startswith(".toy") and zoo.pretrained.list_models(parent) == []
    zoo.pretrained.find(address)
    assert [path.name for path in parent.iterdir()] == ["toy"]


@pytest.mark.parametrize(
    "address",
    [
        "kaggle://user/model",
        "hf://user",
        "hf://user/name@",
        "https://host",
        "https://host/x?y=1",
        "http://h/..",
        "ftp://h/x",
    ],
)
def test_addresses_of_another_form(served, address):
    assert_refused(ValueError, "looks like 'hf://user/name'.*received", address)


def test_unknown_names(served, tmp_path):
    assert_refused(ValueError, "Unknown model 'tooy'. Did you mean 'toy'", "tooy")
    with pytest.raises(ValueError, match="holds no models"):
        zoo.pretrained.find("toy", tmp_path)
    shutil.rmtree(served.folder / "toy")
    assert_refused(ValueError, "/toy is no model of the zoo: it has no card.json")


def test_a_cache_that_cannot_be_a_folder_keeps_the_error_of_the_system(served):
    cached_models().parent.write_text("a file in its place")
    message = assert_refused(OSError, str(cached_models().parent))
    assert "disk is full" not in message and "cannot be downloaded" not in message
