"""A table of step times, in every precision."""

import importlib.util
import json

import keras
import pytest

from benchmarks import products, step_table, subjects
from benchmarks.step_table import StepTable, print_table
from zoo.recipes.recipe import PRECISIONS

TINY = {"batch_size": 4, "rounds": 1, "turn_steps": 2}
if keras.backend.backend() == "tensorflow":
    TINY["jit_compile"] = False  # XLA compiles for seconds what runs in milliseconds


@pytest.fixture(autouse=True)
def small_products(monkeypatch):
    monkeypatch.setattr(products, "SIDE", 16)
    monkeypatch.setattr(step_table, "memory_rate", lambda on_cpu: 1e9)


@pytest.mark.parametrize("precision", PRECISIONS[:2])
def test_table(precision, capsys):
    table = StepTable("synthetic_mlp", ["vat"], precision=precision, **TINY)
    content = json.loads(json.dumps(table.measure()))
    assert content["precision"] == precision and list(content["methods"]) == ["baseline", "vat"]
    for row in content["methods"].values():
        assert min(row["ms"], row["limit_ms"], row["ratio"]) > 0  # no order of the two: no test asserts a wall time
        assert (row["pytorch_ms"] is None) == (importlib.util.find_spec("torch") is None)
    assert next(product["kernel"] for product in content["products"])[0] == 100
    print_table(content)
    assert precision in capsys.readouterr().out


@pytest.mark.parametrize("precision", PRECISIONS)
def test_models_compute_in_the_precision(precision):
    network = subjects.build_model("conv_small", "vat", precision).network
    assert {layer.dtype_policy.name for layer in network.layers if layer.weights} == {precision}


def test_file_names():
    stem = f"conv_small-{keras.backend.backend()}-cpu"
    assert StepTable("conv_small").stem == stem
    assert StepTable("conv_small", precision="mixed_bfloat16").stem == f"{stem}-mixed_bfloat16"


def test_unknown_methods_are_refused():
    with pytest.raises(ValueError, match="Did you mean 'vat'"):
        StepTable("conv_small", ["vta"]).names()
