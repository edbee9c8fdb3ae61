"""Small models on a server of this machine, and an empty cache for their downloads."""

import json

import pytest

import zoo
from zoo.pretrained import index
from zoo.pretrained.card import write_card
from zoo.pretrained.downloading import cached_models

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
