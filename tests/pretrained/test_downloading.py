"""Downloads: a model appears in the cache complete and checked, or an error says in one line what to do."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import urllib.request

import pytest

import zoo
from tests.support import model_server as faults
from zoo.pretrained import downloading, http_source, index
from zoo.pretrained.card import CARD_FILE, CHECKSUM, card_sum, verify, write_card
from zoo.pretrained.downloading import cached_models, folder_of

DATA = "variables/variables.data-00000-of-00001"


def write_model(folder, size=3000, error=1.25):
    """A folder of files with a card; no test here reads it with TensorFlow."""
    (folder / "variables").mkdir(parents=True, exist_ok=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / DATA).write_bytes(bytes(range(250)) * (size // 250))
    fields = {"num_parameters": 7, "input_shape": [4], "model": {}}
    return write_card(folder, {"name": folder.name, "errors": {"test": error}, **fields})


@pytest.fixture
def served(model_server, tmp_path, monkeypatch):
    """The server, with the model `toy` on it and in the index; the cache is empty."""
    write_model(model_server.folder / "toy")
    file = tmp_path / "index.json"
    file.write_text(json.dumps(index.make_index(model_server.folder, model_server.address)))
    monkeypatch.setattr(index, "INDEX_FILE", file)
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("ZOO_MODELS_URL", raising=False)
    return model_server


def left_behind():
    """What is in the cache, hidden files included."""
    return sorted(path.name for path in cached_models().rglob("*")) if cached_models().exists() else []


def assert_refused(error, message, name="toy"):
    """One line with the message, and nothing in the cache."""
    with pytest.raises(error, match=message) as caught:
        zoo.pretrained.find(name)
    assert "\n" not in str(caught.value) and left_behind() == []
    return str(caught.value)


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


def test_the_base_address_is_chosen_by_the_environment(served, monkeypatch):
    content = json.loads(index.INDEX_FILE.read_text())
    index.INDEX_FILE.write_text(json.dumps({**content, "base": "http://127.0.0.1:9/nothing"}))
    monkeypatch.setenv("ZOO_MODELS_URL", f"{served.address}/")
    assert verify(zoo.pretrained.find("toy"))["name"] == "toy"


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_continues_or_restarts(served, ranges):
    served.ranges = ranges
    served.faults[DATA] = [faults.break_off]
    assert verify(zoo.pretrained.find("toy")) == verify(served.folder / "toy")
    of_data = [asked for _, path, asked in served.requests if path.endswith(DATA)]
    assert of_data == [None, "bytes=1000-"]  # a third of 3000 had arrived


def test_a_server_that_always_breaks_off(served):
    served.faults[DATA] = [faults.break_off] * http_source.ATTEMPTS
    message = assert_refused(ConnectionError, "toy cannot be downloaded from .*/toy: the server broke off 3 times")
    assert str(cached_models()) in message and "put its folder" in message


def test_a_lying_server(served):
    served.faults[DATA] = [faults.lie]
    assert_refused(ValueError, f"damaged or altered: {DATA} differs from the card. Nothing of it was kept")


def test_a_server_that_sends_too_much(served):
    served.faults["saved_model.pb"] = [faults.send_too_much]
    assert_refused(ValueError, r"sends more than the 3,\d\d\d bytes that are expected")


def test_a_slow_server(served, monkeypatch):
    monkeypatch.setattr(http_source, "TIMEOUT", 0.1)
    served.faults[DATA] = [faults.stall]
    assert_refused(ConnectionError, "does not answer for 0.1 s")


def test_a_server_that_refuses(served):
    served.faults[CARD_FILE] = [faults.refuse]
    assert_refused(ConnectionError, "the server answers 503 Service Unavailable")


def test_no_network(served, monkeypatch):
    monkeypatch.setenv("ZOO_MODELS_URL", "http://127.0.0.1:9")  # nobody listens
    message = assert_refused(ConnectionError, r"toy cannot be downloaded from http://127.0.0.1:9/toy: .*refused")
    assert f"put its folder into {cached_models()}." in message


def test_addresses_that_no_server_has(served):
    assert_refused(ConnectionError, "nonnumeric port: 'port'", "http://127.0.0.1:port/toy")
    assert_refused(ValueError, "é/toy is no model of the zoo: it has no card.json", f"{served.address}/é/toy")


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


def test_plain_http_is_for_this_machine_and_known_models(served, monkeypatch):
    assert_refused(ValueError, "can be altered on the way. Use https://", "http://models.example.org/toy")
    for host in ("localhost", "127.0.0.1", "[::1]:80"):
        assert http_source.HttpSource(f"http://{host}/toy").address
    assert http_source.HttpSource("http://models.example.org/toy", known=True).address


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/card.json", "http://models.example.org/x", "file:///etc/passwd"])
def test_redirections_that_are_refused(served, target):
    served.faults[CARD_FILE] = [faults.redirect_to(target)]
    with pytest.raises((ValueError, ConnectionError), match="is refused: it leads to|not allowed") as caught:
        zoo.pretrained.find(f"{served.address}/toy")
    assert target in str(caught.value) and "\n" not in str(caught.value) and left_behind() == []


def test_redirections_that_are_followed(served):
    served.faults[CARD_FILE] = [faults.redirect_to(f"{served.address}/toy/./{CARD_FILE}")]
    assert verify(zoo.pretrained.find(f"{served.address}/toy"))["name"] == "toy"


@pytest.mark.parametrize("known", [True, False])
def test_nothing_leads_from_https_to_http(known):
    request = urllib.request.Request("https://models.example.org/toy/card.json")
    follow = http_source.SafeRedirects(known).redirect_request
    with pytest.raises(ValueError, match="leads to http://127.0.0.1/card.json, which is not https"):
        follow(request, None, 302, "Found", {}, "http://127.0.0.1/card.json")
    assert follow(request, None, 302, "Found", {}, "https://cdn.example.org/x").host == "cdn.example.org"


@pytest.mark.parametrize("base", ["models.example.org", "ftp://host/x", "/folder", "https://"])
def test_a_base_address_that_is_none(served, monkeypatch, base):
    monkeypatch.setenv("ZOO_MODELS_URL", base)
    assert_refused(ValueError, f"ZOO_MODELS_URL must begin with https://, http:// or hf://, received '{base}'")


def test_a_length_that_is_no_number(served):
    served.faults[DATA] = [faults.state_no_length]
    assert verify(zoo.pretrained.find("toy")) == verify(served.folder / "toy")


def test_an_error_begins_on_its_own_line(served, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    served.faults[DATA] = [faults.lie]
    assert_refused(ValueError, "damaged or altered", f"{served.address}/toy")
    printed = capsys.readouterr().err
    assert "KiB" in printed and printed.endswith("\n")


def test_another_model_than_the_index_states(served):
    write_model(served.folder / "toy", error=2.0)
    assert_refused(ValueError, "another model than this version of the zoo expects.*Upgrade the zoo")


def test_a_full_disk(served, monkeypatch):
    real = open
    monkeypatch.setattr(http_source, "open", lambda path, mode: real(full(path), mode), raising=False)

    def full(path):
        return "/dev/full" if path.name == "saved_model.pb" else path

    message = assert_refused(OSError, "The disk is full: toy does not fit into")
    assert "Free 0.0 MiB, or set ZOO_CACHE_DIR" in message and "Errno" not in message


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


@pytest.mark.parametrize("size", [3000, None])
def test_the_progress_bar_is_on_standard_error_of_a_terminal(size, capsys, monkeypatch):
    for visible in (False, True):
        monkeypatch.setattr(sys.stderr, "isatty", lambda visible=visible: visible, raising=False)
        bar = http_source.ProgressBar(size)
        bar.add(1000, drawn=False)
        assert capsys.readouterr().err == ""
        bar.add(2000)
        bar.finish()
        printed = capsys.readouterr()
        assert printed.out == "" and bool(printed.err) == visible
    assert printed.err.endswith("\n") and ("2/3" if size else "2/Unknown") in printed.err


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
