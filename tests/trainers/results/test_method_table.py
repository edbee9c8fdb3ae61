"""The table of methods: figures, errors under attack and step times as the files have them."""

import json

import pytest

from trainers.results.method_table import Figure, MethodTable, read_step_times
from zoo import recipes

NAMES = ("mnist_mlp-vat", "mnist_ladder-all_full", "mnist_ladder-100_full", "synthetic_mlp-vat")


def result(name, *errors):
    seeds = {str(seed): {"errors": {"test": error}} for seed, error in enumerate(errors)}
    return {"recipe": recipes.get(name).as_dict(), "seeds": seeds}


def attacked(name, error):
    return {"errors": {name: {"error": error, "settings": {"size": 0.1, "num_examples": 8}}}}


@pytest.fixture
def table():
    analyses = {
        "mnist_mlp-vat": attacked("autoattack", 30.0),
        "mnist_ladder-all_full": attacked("pgd_linf", 20.0),
        "synthetic_mlp-vat": attacked("autoattack", 50.0),
    }
    steps = [{"device": "a CPU", "batch_size": 100, "methods": {"vat": {"ratio": 2.5}, "ladder": {"ratio": 6.0}}}]
    return MethodTable({name: result(name, 0.5, 0.75) for name in NAMES}, analyses, steps)


def test_figures_are_in_the_column_of_their_data_set(table):
    published = recipes.get("mnist_mlp-vat").published_error
    assert table.methods == ["vat", "full"]
    assert table.figure("MNIST", "vat") == Figure("mnist_mlp-vat", (0.5, 0.75), published, (0.5, 0.75))
    assert table.figure("MNIST", "full").recipe == "mnist_ladder-all_full"
    assert table.figure("MNIST, 100 labels", "full").recipe == "mnist_ladder-100_full"
    assert table.figure("CIFAR-10", "vat") is None
    assert len(table.contents()) == 4 and len(table.contents(["MNIST"])) == 2


@pytest.mark.parametrize(
    "errors, published, better", [((0.5, 0.7), 0.61, True), ((0.5, 0.7), 0.6, False), ((1.0,), None, False)]
)
def test_better_is_a_mean_below_the_published_error(errors, published, better):
    assert Figure("a", (9.0,), published, errors).is_better == better


def test_errors_under_attack_are_those_of_autoattack_on_the_mnist_model(table):
    assert table.attacked("vat").error == 30.0
    assert table.attacked("full") is None  # only a weaker attack was measured
    assert "AutoAttack" in table.about_attack() and "L∞ norm 0.1" in table.about_attack()
    assert "8 test images" in table.about_attack()
    bare = MethodTable(table.results, {}, [])
    assert bare.attacked("vat") is None and bare.about_attack() == bare.about_steps() == ""


def test_step_times_go_by_the_names_of_the_benchmark(table):
    assert (table.step_ratio("vat"), table.step_ratio("full"), table.step_ratio("dropout")) == (2.5, 6.0, None)
    assert "a CPU" in table.about_steps()


def test_step_times_are_read_and_damaged_ones_named(tmp_path):
    assert read_step_times(tmp_path / "none") == []
    path = tmp_path / "ladder-jax-cpu.json"
    content = {"device": "CPU", "batch_size": 4, "methods": {"ladder": {"ratio": 2.0, "ms": 1.0}}}
    path.write_text(json.dumps(content))
    assert read_step_times(tmp_path) == [content]
    for damaged in ("{", "[]", '{"device": "CPU", "batch_size": 4, "methods": {"ladder": {}}}', '{"methods": {}}'):
        path.write_text(damaged)
        with pytest.raises(ValueError, match="ladder-jax-cpu.json holds no step times"):
            read_step_times(tmp_path)
