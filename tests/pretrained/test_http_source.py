"""Servers, good and bad, and the addresses that lead to them."""

import json
import sys
import urllib.request

import pytest

import zoo
from tests.support import model_server as faults
from tests.support.served_models import DATA, assert_refused, left_behind
from zoo.pretrained import http_source, index
from zoo.pretrained.card import CARD_FILE, verify
from zoo.pretrained.downloading import cached_models


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


def test_a_server_that_hangs_up(served):
    served.faults[DATA] = [faults.hang_up]
    assert verify(zoo.pretrained.find("toy")) == verify(served.folder / "toy")
    assert served.paths().count(DATA.rpartition("/")[2]) == 2


def test_a_server_that_always_hangs_up(served):
    served.faults[CARD_FILE] = [faults.hang_up] * http_source.ATTEMPTS
    assert_refused(ConnectionError, "the server broke off 3 times")


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


def test_plain_http_is_for_this_machine_and_known_models(served, monkeypatch):
    assert_refused(ValueError, "can be altered on the way. Use https://", "http://models.example.org/toy")
    assert http_source.HttpSource("https://models.example.org/toy").address
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


def test_a_full_disk(served, monkeypatch):
    real = open
    monkeypatch.setattr(http_source, "open", lambda path, mode: real(full(path), mode), raising=False)

    def full(path):
        return "/dev/full" if path.name == "saved_model.pb" else path

    message = assert_refused(OSError, "The disk is full: toy does not fit into")
    assert "Free 0.0 MiB, or set ZOO_CACHE_DIR" in message and "Errno" not in message


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


def test_a_progress_bar_without_a_download_writes_nothing(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    bar = http_source.ProgressBar(3000)
    bar.add(1000, drawn=False)
    bar.finish()
    assert capsys.readouterr() == ("", "")
