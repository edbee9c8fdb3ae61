"""Folders as the report finds them: results, a model with its card, its analysis, a drawn picture."""

import dataclasses
import json
import types

import pytest

from zoo import recipes
from zoo.pretrained.card import CHECKSUM, write_card

HOSTILE = "<script>document.title = 'hit'</script><img src=x onerror=alert(1)>"
ERRORS = {
    "synthetic_mlp-baseline": [9.0, 9.5],
    "synthetic_mlp-vat": [0.5, 0.75],
    "synthetic_mlp-dropout": [10.0, 12.0],
    "mnist_ladder-100_full": [1.25],
    "mnist_ladder-1000_full": [0.875],
}


def run(seed, error):
    epochs = range(4)
    curves = {"sampled_test_error": [50.0, 5.0, 2.0, error], "sampled_train_error": [50.0, 4.0, 1.0, 0.0]}
    curves |= {f"worst_{movement}": [0.1 * (epoch + 1) for epoch in epochs] for movement in ("shift", "scale")}
    figures = {"errors": {"test": error, "train": 0.0}, "seconds_per_epoch": 0.25 * (1 + error), "epochs": 3}
    where = {"device": "CPU", "backend": "jax", "versions": {"keras": "3.15.1"}}
    return {"seed": seed, "curves": curves, **figures, **where}


def result_file(name, errors):
    recipe = recipes.get(name).as_dict()
    return json.dumps({"recipe": recipe, "seeds": {str(seed): run(seed, error) for seed, error in enumerate(errors)}})


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Folders `results`, `analysis`, `saved_models`, `pictures`, `step_times`; `hostile`: a text that stays a text."""
    paths = {name: tmp_path / name for name in ("results", "analysis", "saved_models", "pictures", "step_times")}
    for path in (*paths.values(), paths["saved_models"] / "mnist_mlp-vat"):
        path.mkdir()
    for name, errors in ERRORS.items():
        notes = HOSTILE if name == "synthetic_mlp-vat" else "plain"
        monkeypatch.setitem(recipes.RECIPES, name, dataclasses.replace(recipes.get(name), notes=notes))
        (paths["results"] / f"{name}.json").write_text(result_file(name, errors))
    card = {"name": "mnist_mlp-vat", "errors": {"test": 0.625}, "num_parameters": 1234567, "input_shape": [28, 28, 1]}
    recipe = {**recipes.get("mnist_mlp-vat").as_dict(), "notes": HOSTILE}
    card |= {"recipe": recipe, "source": HOSTILE, "model": {}}
    card = write_card(paths["saved_models"] / "mnist_mlp-vat", card)
    analysis = {
        "model": "mnist_mlp-vat",
        "sha256": card[CHECKSUM],
        "dataset": "mnist",
        "num_examples": 7,
        "errors": {"fgsm_linf": {"error": 12.5, "standard_error": 0.5, "settings": {"size": 0.1, "num_examples": 7}}},
        "measures": {"jacobian_frobenius_squared": {"value": 3.25, "standard_error": 0.125, "settings": {}}},
    }
    (paths["analysis"] / "mnist_mlp-vat.json").write_text(json.dumps(analysis))
    steps = {"device": "CPU", "batch_size": 100, "methods": {"vat": {"ratio": 2.5}}}
    (paths["step_times"] / "mnist_mlp-jax-cpu.json").write_text(json.dumps(steps))
    return types.SimpleNamespace(**paths, hostile=HOSTILE)
