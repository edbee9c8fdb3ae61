"""The folders of checkpoints: which of them counts, and what is refused."""

import json

import keras
import numpy as np
import pytest
from keras import layers

from tests.support.interruptions import Interrupt
from zoo.training.callbacks.checkpoint import ARRAYS_FILE, STATE_FILE, Checkpoint


def test_one_of_several_processes_writes(train, tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.training.callbacks.checkpoint.is_writer", lambda: False)
    _, checkpoint = train(epochs=1)
    assert checkpoint.state["epochs"] == 1 and not list(tmp_path.iterdir())


def test_only_the_newest_checkpoint_stays(train, tmp_path):
    train(epochs=2)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["epoch-00002-final"]
    state = json.loads((tmp_path / "run" / "epoch-00002-final" / STATE_FILE).read_text())
    assert state["epochs"] == 2 and state["finished"] and len(state["history"]["smoothness"]) == 2


def test_half_written_folder_is_ignored(train, tmp_path, assert_same_weights):
    whole, _ = train("whole", epochs=3)
    with pytest.raises(KeyboardInterrupt):
        train(callbacks=[Interrupt(2)], epochs=3)
    torn = tmp_path / "run" / ".epoch-00003.host-1"
    torn.mkdir()
    (torn / ARRAYS_FILE).write_bytes(b"torn")
    assert Checkpoint(tmp_path / "run").newest().name == "epoch-00002"
    resumed, _ = train(epochs=3)
    assert_same_weights(whole, resumed)


def test_two_complete_checkpoints_give_the_newer(tmp_path):
    """The process was killed after it wrote a checkpoint and before it removed the predecessor."""
    for name in ("epoch-00002", "epoch-00010", "epoch-00009"):
        (tmp_path / name).mkdir()
        (tmp_path / name / STATE_FILE).write_text(json.dumps({"epochs": int(name[-5:]), "finished": False}))
    assert Checkpoint(tmp_path).state["epochs"] == 10


@pytest.mark.parametrize("file, content", [(STATE_FILE, "{"), (STATE_FILE, None), (ARRAYS_FILE, "torn")])
def test_damaged_checkpoint_is_refused_by_name(file, content, train, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(callbacks=[Interrupt(1)])
    damaged = tmp_path / "run" / "epoch-00001" / file
    if content is None:
        damaged.unlink()
    else:
        damaged.write_text(content)
    with pytest.raises(ValueError, match="epoch-00001.*damaged.*another workdir"):
        train()


def test_checkpoint_of_another_network_is_refused(train, model, tmp_path):
    train(epochs=1)
    other = model(keras.Sequential([keras.Input((6,)), layers.Dense(4), layers.Dense(4), layers.Dense(3)]))
    other.build((None, 6))
    with pytest.raises(ValueError, match="does not fit this model"):
        Checkpoint(tmp_path / "run").restore(other)


def test_nothing_to_restore(fresh, tmp_path):
    trained = fresh()
    before = trained.get_weights()
    checkpoint = Checkpoint(tmp_path / "new")
    checkpoint.restore(trained)
    assert checkpoint.state["epochs"] == 0 and not checkpoint.state["finished"]
    for a, b in zip(before, trained.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
