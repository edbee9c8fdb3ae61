"""The results folder: it loses no seed, mixes no settings, and its tables hold the right statistics."""

import concurrent.futures
import json
import shutil
import statistics

import pytest

from trainers.results.store import as_json, check_results, finished_seeds, read_results, record_result, write_tables
from zoo import recipes

RECIPE = recipes.get("synthetic_mlp-vat")


def result(seed, error):
    return {"recipe": RECIPE.name, "seed": seed, "errors": {"test": error}, "seconds_per_epoch": 0.25, "epochs": 4}


def test_seeds_add_up_and_the_same_seed_replaces(tmp_path):
    for seed, error in [(10, 0.9), (2, 0.7), (2, 0.8)]:
        path = record_result(result(seed, error), RECIPE, tmp_path)
    content = json.loads(path.read_text())
    assert {seed: run["errors"]["test"] for seed, run in content["seeds"].items()} == {"2": 0.8, "10": 0.9}
    assert list(content["seeds"]) == ["2", "10"] and content["recipe"] == RECIPE.as_dict()


CHANGED = RECIPE.override({"epochs": 7})


def test_figures_of_an_earlier_recipe_are_set_aside(tmp_path, capsys):
    path = record_result(result(0, 0.9), CHANGED, tmp_path)
    before = path.read_text()
    record_result(result(1, 0.7), RECIPE, tmp_path)
    content = json.loads(path.read_text())
    assert list(content["seeds"]) == ["1"] and content["recipe"] == RECIPE.as_dict()
    aside = path.with_name(f"{path.name}.earlier")
    assert aside.read_text() == before and f"they are in {aside} now" in capsys.readouterr().out
    path.write_text(before)
    record_result(result(2, 0.7), RECIPE, tmp_path)
    assert aside.read_text() == before == path.with_name(f"{path.name}.earlier-2").read_text()


def test_replacing_figures_of_another_backend_is_reported(tmp_path, capsys):
    for backend in ("jax", "jax", "tensorflow"):
        assert not capsys.readouterr().out
        path = record_result({**result(0, 0.9), "backend": backend}, RECIPE, tmp_path)
    assert f"{path}: replaced the figures of seed 0 on jax." in capsys.readouterr().out


def test_unchanged_settings_get_the_present_notes_of_their_recipe(tmp_path):
    path = record_result(result(0, 0.9), RECIPE, tmp_path)
    for field, value, same in [("notes", "as they were", True), ("epochs", 7, False)]:
        content = json.loads(path.read_text())
        content["recipe"][field] = value
        path.write_text(json.dumps(content))
        assert (read_results(tmp_path)[RECIPE.name]["recipe"]["notes"] == RECIPE.notes) is same


@pytest.mark.parametrize(
    "write", [write_tables, check_results, lambda folder: record_result(result(0, 1), RECIPE, folder)]
)
def test_somebody_elses_readme_stays(tmp_path, write):
    (tmp_path / "README.md").write_text("# My project\n")
    record_result(result(0, 1), RECIPE, tmp_path / "figures")
    shutil.copy(tmp_path / "figures" / f"{RECIPE.name}.json", tmp_path)
    with pytest.raises(ValueError, match="README.md is not what is generated there: its first line is '# My project'"):
        write(tmp_path)
    assert (tmp_path / "README.md").read_text() == "# My project\n"


def test_without_results_there_is_no_table(tmp_path):
    write_tables(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("present", [RECIPE, RECIPE.override({"epochs": 9})])
def test_a_changed_recipe_does_not_replace_other_figures(tmp_path, present):
    path = record_result(result(0, 0.9), present, tmp_path)
    before = path.read_text()
    with pytest.raises(ValueError, match=f"epochs is {present.epochs} there and 7 here.*--override=name="):
        record_result(result(1, 0.7), CHANGED, tmp_path)
    assert path.read_text() == before
    record_result(result(1, 0.7), CHANGED.override({"name": "synthetic_mlp-vat_short"}), tmp_path)
    assert path.read_text() == before and "| `synthetic_mlp-vat_short` |" in (tmp_path / "README.md").read_text()


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_files_without_the_field_precision_are_of_float32(tmp_path, precision):
    path = record_result(result(0, 0.9), RECIPE, tmp_path)
    content = json.loads(path.read_text())
    assert content["recipe"].pop("precision") == "float32"
    path.write_text(json.dumps(content))
    recipe = RECIPE.override({"precision": precision})
    assert finished_seeds(recipe, tmp_path) == ({0} if precision == "float32" else set())
    if precision == "float32":
        record_result(result(1, 0.7), recipe, tmp_path)
        assert finished_seeds(recipe, tmp_path) == {0, 1}
    else:
        with pytest.raises(ValueError, match="precision is 'float32' there and 'mixed_bfloat16' here"):
            record_result(result(1, 0.7), recipe, tmp_path)


@pytest.mark.parametrize("content", ["[]", "{}", '{"recipe": 3}', '{"recipe": {"nome": "x"}}'])
def test_a_file_without_a_recipe_is_named_and_kept(tmp_path, content):
    path = tmp_path / f"{RECIPE.name}.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=path.name):
        record_result(result(0, 0.9), CHANGED, tmp_path)
    assert path.read_text() == content


def test_older_files_have_the_defaults_of_newer_fields(tmp_path):
    path = record_result(result(0, 0.9), RECIPE, tmp_path)
    content = json.loads(path.read_text())
    del content["recipe"]["ladder"]
    path.write_text(json.dumps(content))
    record_result(result(1, 0.7), RECIPE, tmp_path)
    assert list(json.loads(path.read_text())["seeds"]) == ["0", "1"]


def test_table_has_mean_spread_median_and_count(tmp_path):
    errors = [0.61, 0.83, 0.92]
    for seed, error in enumerate(errors):
        record_result(result(seed, error), RECIPE, tmp_path)
    lines = (tmp_path / "README.md").read_text().splitlines()
    row = next(line for line in lines if line.startswith("| `synthetic_mlp-vat`"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    spread = f"{statistics.mean(errors):.2f} ± {statistics.stdev(errors):.2f}"
    assert cells[:5] == ["`synthetic_mlp-vat`", "0.76", spread, f"{errors[1]:.2f}", str(len(errors))]


def test_lists_of_numbers_are_on_one_line():
    content = {"curves": {"loss": [0.5, 0.25]}, "names": ["a, [b]", "c"], "empty": []}
    text = as_json(content)
    assert json.loads(text) == content and "[ 0.5, 0.25 ]" in text


def test_damaged_file_is_named_and_kept(tmp_path):
    path = tmp_path / f"{RECIPE.name}.json"
    path.write_text('{"seeds": ')
    with pytest.raises(ValueError, match=path.name):
        record_result(result(0, 0.9), RECIPE, tmp_path)
    assert path.read_text() == '{"seeds": '


def test_runs_that_end_at_the_same_time_lose_nothing(tmp_path):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: record_result(result(seed, 0.5), RECIPE, tmp_path), range(24)))
    assert len(json.loads((tmp_path / f"{RECIPE.name}.json").read_text())["seeds"]) == 24
