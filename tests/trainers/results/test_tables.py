"""The tables: their cells, their comparisons, and the sentence about rows above the published error."""

import pytest

from trainers.results.tables import (
    TABLES,
    as_published,
    cells,
    changed_settings,
    label,
    matching,
    own_reference,
    section,
    shortfalls,
)
from zoo import recipes


def content(name, errors, published=None):
    seeds = {
        str(seed): {"errors": {"test": error}, "seconds_per_epoch": 0.5, "epochs": 4} for seed, error in errors.items()
    }
    return {"recipe": {"name": name, "published_error": published}, "seeds": seeds}


def test_every_recipe_is_in_one_table():
    for name in recipes.RECIPES:
        assert sum(bool(matching([name], patterns)) for _, patterns, _ in TABLES.values()) == 1, name
    for _, _, reference in TABLES.values():
        assert reference is None or reference in recipes.RECIPES


@pytest.mark.parametrize(
    ("error", "text"), [(None, "–"), (0.7, "0.70"), (1.12, "1.12"), (0.557, "0.557"), (20.4, "20.40")]
)
def test_published_errors_keep_the_digits_of_their_source(error, text):
    assert as_published(error) == text


def test_cells():
    found = cells(content("a-x", {0: 0.6, 1: 0.8, 2: 1.3}, 0.95), content("a-b", {0: 1.0, 1: 1.2}))
    assert found == ("`a-x`", "0.95", "0.90 ± 0.36", "0.80", "3", "-0.05", "-0.40", "0.50")


def test_reference_is_not_compared_with_itself():
    reference = content("a-b", {0: 1.0, 1: 1.2})
    assert cells(reference, reference).count("–") == 3


def test_shortfalls_are_listed():
    within, none = content("within", {0: 0.7, 1: 1.1}, 0.8), content("none", {0: 9})
    told = shortfalls([content("one", {0: 0.9}, 0.8), within, none])
    assert told.strip().endswith("by more than our standard deviation): `one` by 0.10 (one seed).")
    assert "no row" in shortfalls([content("one", {0: 0.8}, 0.8)])
    assert shortfalls([none]) == ""


def test_section():
    results = {"synthetic_mlp-vat": content("synthetic_mlp-vat", {0: 0.7}, 0.76)}
    assert "− reference" in section("synthetic", results) and section("mnist", results) == ""
    results["synthetic_mlp-baseline"] = content("synthetic_mlp-baseline", {0: 1.3}, 1.24)
    assert "− baseline" in section("synthetic", results)


def test_ladders_show_the_errors_with_labeled_statistics():
    results = {name: content(name, {0: 0.7}, 0.6) for name in ("mnist_ladder-100_full", "mnist_ladder-all_full")}
    assert "labeled statistics" not in section("ladder", results)
    results["mnist_ladder-100_full"]["seeds"]["0"]["errors_labeled_statistics"] = {"test": 0.9}
    lines = section("ladder", results).splitlines()
    assert lines[3].startswith("| recipe | published | ours | ours, labeled statistics | median |")
    assert "| 0.70 | 0.90 | 0.70 |" in lines[5] and "| 0.70 | – | 0.70 |" in lines[6]


def test_a_row_with_a_reference_of_its_own_is_compared_with_it():
    names = {"mnist_ladder-all_full": 0.6, "mnist_ladder-all_adversarial": 0.5, "mnist_ladder-1000_adversarial": 0.9}
    results = {
        name: {**content(name, {0: error, 1: error}), "recipe": recipes.get(name).as_dict()}
        for name, error in names.items()
    }
    full, adversarial, alone = section("ladder", results).splitlines()[5:8]
    assert "| 0.57 |" in full and "| – |" in full
    assert "| 0.557 (reference 0.565) |" in adversarial and "| -0.10 against `mnist_ladder-all_full` |" in adversarial
    assert "| 0.932 (reference 0.952) |" in alone and "| – |" in alone


def test_rows_without_batch_normalization_are_compared_with_the_plain_network_without_it():
    methods = {"baseline": 1.0, "l2": 1.2, "unnormalized": 1.5, "unnormalized_l2": 1.6, "norm_constraint": 1.4}
    errors = {f"mnist_mlp-{method}": error for method, error in methods.items()}
    results = {name: content(name, {0: error}) for name, error in errors.items()}
    *_, baseline, l2, plain, plain_l2, constraint = section("mnist", results).strip().splitlines()
    assert "| – |" in baseline and "| +0.20 |" in l2 and "| +0.50 |" in plain
    against = " against `mnist_mlp-unnormalized` |"
    assert f"| +0.10{against}" in plain_l2 and f"| -0.10{against}" in constraint
    del results["mnist_mlp-unnormalized"]
    *_, plain_l2, constraint = section("mnist", results).strip().splitlines()
    assert "| – | 0.50 |" in plain_l2 and "| – | 0.50 |" in constraint


WITH_OTHER_REFERENCES = [name for name in recipes.RECIPES if own_reference({"name": name})]


def test_some_rows_have_another_reference_than_their_table():
    assert {name.split("-", 1)[0] for name in WITH_OTHER_REFERENCES} == {"synthetic_mlp", "mnist_mlp"}


@pytest.mark.parametrize("name", WITH_OTHER_REFERENCES)
def test_a_row_with_another_reference_than_its_table_differs_from_it_in_the_method_alone(name):
    recipe, reference = recipes.get(name), recipes.get(own_reference({"name": name}))
    method = ("kernel_regularizer", "kernel_constraint")
    network = {field: value for field, value in recipe.network.items() if field not in method}
    without = {**recipe.settings(), "name": reference.name, "network": network, "regularizers": {}}
    assert without == reference.settings() and recipe.settings() != {**without, "name": recipe.name}


def test_changed_settings_are_named():
    shortened = recipes.get("synthetic_mlp-vat").override({"epochs": 3})
    assert label(shortened.as_dict()) == "`synthetic_mlp-vat` with epochs=3"
    weaker = recipes.get("synthetic_mlp-vat").override({"regularizers.vat.epsilon": 0.1, "epochs": 3})
    assert label(weaker.as_dict()) == "`synthetic_mlp-vat` with regularizers.vat.epsilon=0.1, epochs=3"
    assert label(recipes.get("synthetic_mlp-vat").as_dict()) == "`synthetic_mlp-vat`"


def test_changes_of_fields_that_digests_leave_out_are_named_and_an_old_record_means_their_defaults():
    half = recipes.get("synthetic_mlp-vat").override({"precision": "mixed_bfloat16"})
    assert changed_settings(half.as_dict()) == {"precision": "mixed_bfloat16"}
    for name, changed in (("synthetic_mlp-vat", {}), ("cifar10_conv_small-vat", {"precision": "float32"})):
        recorded = recipes.get(name).as_dict()
        del recorded["precision"]
        assert changed_settings(recorded) == changed


@pytest.mark.parametrize("name", ["synthetic_mlp-baseline", "mnist_ladder-all_full"])
def test_a_reference_with_changed_settings_is_none(name):
    follower = {"synthetic_mlp-baseline": "synthetic_mlp-vat", "mnist_ladder-all_full": "mnist_ladder-all_adversarial"}
    recorded = {name: recipes.get(name).as_dict(), follower[name]: recipes.get(follower[name]).as_dict()}
    results = {each: {**content(each, {0: 1.0, 1: 1.0}), "recipe": recipe} for each, recipe in recorded.items()}
    table = "ladder" if "ladder" in name else "synthetic"
    assert "| +0.00 " in section(table, results)
    results[name]["recipe"] = recipes.get(name).override({"epochs": 1}).as_dict()
    assert "| +0.00 " not in section(table, results)
