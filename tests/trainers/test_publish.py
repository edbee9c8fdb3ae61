"""The command `publish` as a user runs it, and the index that it writes."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.support.documents import ROOT
from tests.support.run_programs import run
from trainers.results.publishing import add_robust_errors, write_download_index
from zoo.optional import is_installed
from zoo.pretrained import find, index, verify

needs_hub = pytest.mark.skipif(not is_installed("huggingface_hub"), reason="huggingface_hub is not installed")


def publish(*arguments):
    command = [sys.executable, "-m", "trainers.publish", *arguments]
    return subprocess.run(command, env=dict(os.environ), capture_output=True, text=True)


@needs_hub
def test_a_model_is_uploaded_with_its_command_and_its_errors_under_attack(hub_server):
    done = publish("--model=synthetic_mlp-vat", "--to=hf://someone/signals", "--license=apache-2.0")
    assert done.returncode == 0, done.stderr
    (commit, files) = hub_server.repositories["someone/signals"][-1]
    assert f"/someone/signals/commit/{commit}" in done.stdout and 'zoo.load("hf://someone/signals")' in done.stdout
    text = files["README.md"].decode()
    assert "license: apache-2.0" in text and "pgd_linf" in text
    assert "KERAS_BACKEND=jax python -m trainers.train --recipe=synthetic_mlp-vat --seed=0\n" in text
    assert files["saved_model.pb"] == (find("synthetic_mlp-vat") / "saved_model.pb").read_bytes()


@needs_hub
def test_without_an_address_the_card_is_printed(tmp_path):
    done = publish("--model=synthetic_mlp-vat", f"--analysis={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("---\n") and "# synthetic_mlp-vat" in done.stdout and "pgd" not in done.stdout
    assert f"no errors under attack: the analysis {tmp_path}/synthetic_mlp-vat.json is missing" in done.stderr


IN_ONE_PROCESS = """
import json, sys
from absl import flags
from trainers import publish
for line in sys.stdin:
    flags.FLAGS.unparse_flags()
    flags.FLAGS(["publish", *json.loads(line)])
    try:
        publish.check_usage()
        print("fine")
    except publish.program.UsageError as error:
        print(error)
    assert "keras" not in sys.modules and "tensorflow" not in sys.modules
"""


def test_flags_are_checked_before_anything_heavy_loads():
    model, to = "--model=synthetic_mlp-vat", "--to=hf://someone/signals"
    cases = {
        (model, "--base=hf://organization"): "--base needs --index.",
        (model, "--private"): "--private needs --to.",
        ("--index", "--license=mit"): "--license needs --model.",
        ("--index", to): "Leave out --to.",
        ("--index", model): "Leave out --model.",
        (model, "--to=foo"): "looks like 'hf://user/name'",
        (model, "--to=https://host/name"): "Uploads go to 'hf://user/name', received 'https://host/name'.",
        (): "Choose a model with --model",
        ("--index", "--base=hf://organization"): "fine",
        (model, to, "--private", "--license=mit"): "fine",
        (model,): "fine",
    }
    lines = "\n".join(map(json.dumps, cases))
    done = subprocess.run([sys.executable, "-c", IN_ONE_PROCESS], input=lines, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert len(told) == len(cases)
    for line, message in zip(told, cases.values(), strict=True):
        assert message in line, (line, message)


def test_flags_that_do_nothing_are_a_wrong_usage():
    done = publish("--model=synthetic_mlp-vat", "--to=foo")
    assert done.returncode == 2 and "received 'foo'" in done.stderr and done.stdout == ""


def test_a_folder_without_models_does_not_empty_the_index(tmp_path, monkeypatch):
    monkeypatch.setattr(index, "INDEX_FILE", tmp_path / "index.json")
    index.INDEX_FILE.write_text("as before")
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(ValueError, match=f"{folder} holds no models, so the index stays as it was"):
            write_download_index(folder)
    assert index.INDEX_FILE.read_text() == "as before"


def analysis_of(name):
    """The analysis of a published model, with an error under AutoAttack."""
    content = json.loads((ROOT / "results" / "analysis" / f"{name}.json").read_text())
    settings = {"attack": "autoattack", "size": 0.1, "num_examples": 9, "input_range": None}
    content["errors"]["autoattack"] = {"error": 12.5, "standard_error": 1.0, "date": "2026-01-02", "settings": settings}
    return content


def test_the_index_has_the_cards_with_their_robust_errors(tmp_path, monkeypatch):
    name, folder = "synthetic_mlp-vat", tmp_path / "models"
    shutil.copytree(find(name), folder / name)
    monkeypatch.setattr(index, "INDEX_FILE", tmp_path / "index.json")
    (tmp_path / "analysis").mkdir()
    (tmp_path / "analysis" / f"{name}.json").write_text(json.dumps(analysis_of(name)))
    status, out, err = run("publish", "--index", f"--saved_models={folder}", f"--analysis={tmp_path / 'analysis'}")
    assert status == 0, err
    card, entries = verify(folder / name), json.loads(index.INDEX_FILE.read_text())["models"]
    assert card["robust_error"]["error"] == 12.5 and "New robust errors on cards: 1\n" in out
    assert entries[name]["sha256"] == card["card_sha256"]


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path):
    assert add_robust_errors(tmp_path / "typo", {}) == 0 and not (tmp_path / "typo").exists()
    name = "synthetic_mlp-vat"
    shutil.copytree(find(name), tmp_path / name)
    before = (tmp_path / name / "card.json").read_bytes()
    (tmp_path / "README.md").write_text("# Mine\n")
    assert add_robust_errors(tmp_path, {}) == 0
    with pytest.raises(ValueError, match="README.md"):
        add_robust_errors(tmp_path, {name: analysis_of(name)})
    assert (tmp_path / name / "card.json").read_bytes() == before
    assert (tmp_path / "README.md").read_text() == "# Mine\n"


def test_the_index_of_a_folder(tmp_path, monkeypatch):
    before, folder = json.loads(index.INDEX_FILE.read_text()), find("synthetic_mlp-vat").parent
    monkeypatch.setattr(index, "INDEX_FILE", tmp_path / "index.json")
    assert write_download_index(folder) == len(before["models"])
    assert index.INDEX_FILE.read_text() == json.dumps(before, indent=1) + "\n"
    write_download_index(folder, "hf://organization")
    monkeypatch.delenv("ZOO_MODELS_URL", raising=False)
    base, entries = index.read_index()
    assert base == "hf://organization" and entries.keys() == before["models"].keys()
