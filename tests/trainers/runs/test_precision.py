"""Runs in half precision: stopped, resumed, and exported in single precision."""

import json

import keras
import pytest

import zoo
from trainers import train
from trainers.runs.data import load_own_data
from trainers.runs.workdir import RESULT_FILE, RUN_FILE
from zoo.pretrained import error_percent
from zoo.pretrained.card import read_card

TENSORFLOW = keras.backend.backend() == "tensorflow"
SMALL = "network.hidden_units=[8]"


class Types(keras.callbacks.Callback):
    """Records the types in which the layers with weights compute."""

    def __init__(self, found):
        super().__init__()
        self.found = found

    def on_train_begin(self, logs=None):
        self.found.update(types_of(self.model))


def types_of(model):
    """The types in which the layers of a network with weights compute."""
    return {layer.compute_dtype for layer in model.network._flatten_layers(include_self=False) if layer.weights}


@pytest.mark.parametrize(
    "precision, recipe",
    [("mixed_bfloat16", "synthetic_mlp-vat"), ("mixed_float16", "synthetic_mlp-baseline")],  # a baseline compiles fast
)
def test_a_run_is_stopped_resumed_and_exported(precision, recipe, main, tmp_path, monkeypatch):
    values, found = {"recipe": recipe, "override": [SMALL, f"precision={precision}"]}, set()
    values["xla"] = recipe.endswith("baseline")
    monkeypatch.setattr(train, "make_callbacks", lambda directory, dataset: [Types(found)])
    undisturbed, resumed = tmp_path / "undisturbed", tmp_path / "resumed"
    assert main(workdir=str(undisturbed), **values) is None
    assert found == {precision.removeprefix("mixed_")}
    assert main(workdir=str(resumed), minutes=0.0, **values) is None
    assert not (resumed / RESULT_FILE).exists()
    assert "precision is" in main(workdir=str(resumed), recipe=recipe, override=[SMALL])
    assert main(workdir=str(resumed), export=TENSORFLOW, **values) is None
    first, second = (json.loads((workdir / RESULT_FILE).read_text()) for workdir in (undisturbed, resumed))
    for field in ("errors", "losses", "curves", "epochs", "configuration"):
        assert first[field] == second[field], field
    if TENSORFLOW:
        check_exported(resumed / "saved_model" / recipe, precision, second)


def check_exported(path, precision, result):
    """Checks that the exported model computes in float32 and has the errors on its card."""
    card, model = read_card(path), zoo.load(path)
    assert card["recipe"]["precision"] == precision and types_of(model) == {"float32"}
    data = load_own_data(card)
    error = error_percent(model.predict_on_batch, data.x_test, data.y_test)
    assert error == pytest.approx(card["errors"]["test"], abs=0.02)
    assert card["errors"]["test"] == pytest.approx(result["errors"]["test"], abs=0.02)


def test_a_workdir_without_the_field_belongs_to_a_run_in_float32(main, tmp_path):
    values = {"recipe": "synthetic_mlp-baseline", "epochs": 1, "workdir": str(tmp_path / "work")}
    assert main(override=[SMALL], **values) is None
    assert "precision" not in json.loads((tmp_path / "work" / RUN_FILE).read_text())["recipe"]
    assert main(override=[SMALL, "precision=float32"], **values) is None
    error = main(override=[SMALL, "precision=mixed_bfloat16"], **values)
    assert "precision is 'float32' there and 'mixed_bfloat16' here" in error
