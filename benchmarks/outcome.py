"""What a training run left in its folder, to be compared bit by bit."""

import json

import numpy as np

from trainers.runs.workdir import RESULT_FILE
from zoo.pretrained.card import card_names, verify
from zoo.training.callbacks.checkpoint import ARRAYS_FILE, STATE_FILE


def arrays(folder):
    """`{name: array}` of a checkpoint."""
    with np.load(folder / ARRAYS_FILE) as opened:
        return dict(opened)


def check_whole(workdir):
    """Reads all that is there under its own name; returns the names of the members' newest checkpoints."""
    found = [sorted(member.glob("epoch-*")) for member in sorted(workdir.glob("member-*"))]
    newest = [folders[-1] for folders in found if folders]
    for folder in newest:
        json.loads((folder / STATE_FILE).read_text())
        arrays(folder)
    if (workdir / RESULT_FILE).exists():
        json.loads((workdir / RESULT_FILE).read_text())
    for name in card_names(workdir / "saved_model"):
        verify(workdir / "saved_model" / name)
    return [folder.name for folder in newest]


def outcome(workdir):
    """All that a run came to, by name: figures but for times, weights of the members, the SavedModel if any."""
    result = json.loads((workdir / RESULT_FILE).read_text())
    found = {"result": json.dumps({key: value for key, value in result.items() if not key.startswith("seconds")})}
    for folder in sorted(workdir.glob("member-*/*-final")):
        found |= {f"{folder.parent.name}/{name}": array for name, array in arrays(folder).items()}
    for name in card_names(workdir / "saved_model"):
        found |= saved_model_outcome(workdir / "saved_model" / name)
    return found


def saved_model_outcome(path):
    """Weights and outputs of a SavedModel. (Its graph names its functions by a count of what the process traced.)"""
    import tensorflow as tf

    card = verify(path)
    reader = tf.train.load_checkpoint(str(path / "variables" / "variables"))
    weights = [name for name in reader.get_variable_to_shape_map() if name.startswith("weights")]
    inputs = np.random.default_rng(0).random((100, *card["input_shape"]), dtype="float32")
    model = tf.saved_model.load(str(path))
    return {
        "card": json.dumps(card["errors"]),
        "logits": model.logits(inputs).numpy(),
        **{name: reader.get_tensor(name) for name in weights},
    }


def differences(a, b):
    """The names of what differs between two outcomes, sorted."""
    return sorted(
        name for name in a.keys() | b.keys() if name not in a or name not in b or not np.array_equal(a[name], b[name])
    )
