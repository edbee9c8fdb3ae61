"""The Hugging Face Hub in both directions, spoken with by its own client against a server on the loopback interface."""

import errno
import json
import pathlib
import shutil
import sys
import types

import pytest

import zoo
from tests.support import model_server as faults
from tests.support.hub_server import refuse
from zoo.optional import is_installed
from zoo.pretrained import downloading, uploading
from zoo.pretrained.card import CARD_FILE, CHECKSUM, card_sum, verify, write_card
from zoo.pretrained.downloading import cached_models

pytestmark = pytest.mark.skipif(not is_installed("huggingface_hub"), reason="huggingface_hub is not installed")
ROOT = pathlib.Path(__file__).parents[2]
PATH = ROOT / "saved_models" / "synthetic_mlp-vat"
ADDRESS = "hf://someone/signals"
DATA = "variables/variables.data-00000-of-00001"
LICENSE = {"weights_license": "apache-2.0"}


@pytest.fixture
def hub(hub_server, tmp_path, monkeypatch):
    """The server and an empty cache; the client waits for nothing."""
    from huggingface_hub import constants, file_download

    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.2)
    monkeypatch.setattr(file_download, "time", types.SimpleNamespace(sleep=lambda seconds: None))
    return hub_server


@pytest.fixture
def uploaded(hub):
    """The server with a model on it."""
    zoo.pretrained.upload(PATH, ADDRESS, **LICENSE)
    hub.requests.clear()
    return hub


def files_of(hub):
    return hub.repositories["someone/signals"][-1][1]


def assert_error(error, message, address):
    with pytest.raises(error, match=message) as caught:
        zoo.pretrained.find(address)
    assert "\n" not in str(caught.value)


def assert_refused(error, message):
    """One line with the message, and nothing in the cache."""
    assert_error(error, message, ADDRESS)
    assert not [*cached_models().rglob("*")]


def test_a_model_goes_up_and_comes_back(hub):
    page = zoo.pretrained.upload(PATH, ADDRESS, **LICENSE)
    (_, commit) = hub.repositories["someone/signals"]  # after that of the new repository
    assert page == f"{hub.address}/someone/signals/commit/{commit[0]}"
    card = verify(PATH)
    assert set(files_of(hub)) == {".gitattributes", "README.md", CARD_FILE, *card["files"]}
    assert files_of(hub)[DATA] == (PATH / DATA).read_bytes()
    found = zoo.pretrained.find(ADDRESS)
    assert found.name == "signals" and verify(found) == card and found.parent.parent == cached_models()
    assert not (found / "README.md").exists()


def test_an_unchanged_model_is_not_downloaded_again(uploaded):
    zoo.pretrained.find(ADDRESS)
    uploaded.requests.clear()
    zoo.pretrained.find(ADDRESS)
    assert {path.rpartition("/")[2] for _, path in uploaded.requests} == {"signals", CARD_FILE}


def test_revisions_are_pinned(uploaded, tmp_path):
    (first, _) = uploaded.repositories["someone/signals"][-1]
    uploaded.tags["someone/signals", "v1"] = first
    write_card(shutil.copytree(PATH, tmp_path / "copy"), {**verify(PATH), "errors": {"test": 50.0}})
    zoo.pretrained.upload(tmp_path / "copy", ADDRESS, **LICENSE)
    errors = {
        revision: zoo.model_card(f"{ADDRESS}{revision}")["errors"]["test"] for revision in ("", "@v1", f"@{first}")
    }
    assert errors["@v1"] == errors[f"@{first}"] == verify(PATH)["errors"]["test"] != errors[""] == 50.0
    uploaded.requests.clear()
    zoo.pretrained.find(f"{ADDRESS}@{first}")
    assert uploaded.requests == []  # a commit cannot change
    assert_error(ValueError, "has no such revision", f"{ADDRESS}@v2")


def test_without_the_hub_the_cache_serves(uploaded, monkeypatch):
    found = zoo.pretrained.find(ADDRESS)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens
    assert zoo.pretrained.find(ADDRESS) == found
    assert_error(
        ConnectionError, "other cannot be downloaded from hf://someone/other: .*put its folder", "hf://someone/other"
    )


def test_a_broken_download_continues(uploaded):
    uploaded.faults[DATA] = [faults.break_off]
    assert verify(zoo.pretrained.find(ADDRESS)) == verify(PATH)


def test_a_gated_repository(uploaded):
    uploaded.faults[CARD_FILE] = [lambda handler, content: refuse(handler, "GatedRepo", 403)]
    assert_refused(ValueError, f"{ADDRESS} is gated: ask its owner for access, then log in by `hf auth login`")


def test_a_lying_hub(uploaded):
    uploaded.faults[DATA] = [faults.lie]
    assert_refused(ValueError, f"damaged or altered: {DATA} differs from the card")


def test_a_slow_hub(uploaded):
    uploaded.faults[DATA] = [faults.stall] * 30
    assert_refused(ConnectionError, "cannot be downloaded from hf://someone/signals: .*timed out")


def test_a_hub_that_sends_too_much(uploaded):
    uploaded.faults["saved_model.pb"] = [faults.send_too_much]
    assert_refused(ConnectionError, r"should be of size 55989 but has size 65989.*force_download=True`\. Try again")


def test_a_full_disk(uploaded, monkeypatch):
    from huggingface_hub import HfApi

    def download(api, repository, file, *, revision, local_dir):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(HfApi, "hf_hub_download", download)
    assert_refused(OSError, "The disk is full: signals does not fit into .*Free space, or set ZOO_CACHE_DIR")


def test_no_repository(hub):
    assert_refused(ValueError, "hf://someone/signals does not exist, or is private")


def test_a_repository_that_is_no_model_of_the_zoo(hub):
    hub.commit("someone/signals", {"README.md": b"# Something else", "config.json": b"{}"})
    assert_refused(ValueError, "hf://someone/signals is no model of the zoo: it has no card.json")
    with pytest.raises(ValueError, match=r"no model of the zoo, but README.md, config.json. Choose another name"):
        zoo.pretrained.upload(PATH, ADDRESS, **LICENSE)
    assert len(hub.repositories["someone/signals"]) == 1


def test_a_card_that_claims_other_files(uploaded):
    card = {**verify(PATH), "files": {"../../secret": "0" * 64}}
    uploaded.commit("someone/signals", {CARD_FILE: signed(card)})
    assert_refused(ValueError, "its card names '../../secret', which is no file of a SavedModel")


def signed(card):
    return json.dumps({**card, CHECKSUM: card_sum(card)}).encode()


def test_uploads_need_a_login_and_the_right_address(hub):
    hub.token = "hf_secret"
    with pytest.raises(ValueError, match="log in by `hf auth login`, or set HF_TOKEN"):
        zoo.pretrained.upload(PATH, ADDRESS)
    with pytest.raises(ValueError, match="Uploads go to 'hf://user/name', received 'https://host/path/name'"):
        zoo.pretrained.upload(PATH, "https://host/path/name")
    with pytest.raises(FileNotFoundError, match="no card.json"):
        zoo.pretrained.upload(PATH.parent, ADDRESS)
    assert hub.repositories == {}


def test_without_the_client_an_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match=r"needs huggingface_hub, .*\'\.\[hub\]\'"):
        zoo.pretrained.find(ADDRESS)


def test_files_and_metadata_are_one_commit(hub, monkeypatch):
    monkeypatch.setattr(uploading, "readme", lambda *arguments, **options: "---\ntags: vat\n---\n")
    with pytest.raises(ValueError, match="(?i)invalid metadata") as caught:
        zoo.pretrained.upload(PATH, ADDRESS)
    assert "\n" not in str(caught.value) and hub.repositories == {}


def test_a_refused_upload_leaves_no_new_repository(hub):
    hub.full = True
    message = f"synthetic_mlp-vat cannot be uploaded to {ADDRESS}: Storage is full. Buy more.$"
    with pytest.raises(ConnectionError, match=message):
        zoo.pretrained.upload(PATH, ADDRESS)
    with pytest.raises(ValueError, match="has no such revision"):
        zoo.pretrained.upload(PATH, f"{ADDRESS}@dev")
    assert hub.repositories == {}
    hub.commit("someone/signals", {".gitattributes": b""})
    with pytest.raises(ConnectionError, match=message):
        zoo.pretrained.upload(PATH, ADDRESS)
    assert set(files_of(hub)) == {".gitattributes"}  # it was there before


def test_an_upload_looks_at_its_own_revision(hub):
    hub.tags["someone/signals", "dev"] = hub.commit("someone/signals", {"config.json": b"{}"})
    hub.repositories["someone/signals"].append(("0" * 40, {}))  # on main, nothing is left
    with pytest.raises(ValueError, match="@dev holds no model of the zoo, but config.json"):
        zoo.pretrained.upload(PATH, f"{ADDRESS}@dev")
    zoo.pretrained.upload(PATH, ADDRESS)


def test_a_file_of_any_size_is_not_fetched(uploaded, monkeypatch):
    size = (PATH / DATA).stat().st_size
    monkeypatch.setattr(downloading, "MAX_FILE", size - 1)
    assert_refused(ValueError, f"its {DATA} has {size:,} bytes, more than the {size - 1:,} that are expected")
    assert not [path for _, path in uploaded.requests if path.endswith(DATA)]
    monkeypatch.setattr(downloading, "MAX_FILE", size)
    assert verify(zoo.pretrained.find(ADDRESS)) == verify(PATH)
