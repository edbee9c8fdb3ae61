"""The queue: its order, what it skips, what it records, and how time and failures end it."""

import json
import sys
import time

import keras
import pytest

from trainers.cli.output import figures
from trainers.results.lock import LOCK_FILE
from trainers.results.store import best_seed, finished_seeds, record_result
from trainers.runs.queue import Queue, select
from trainers.runs.workdir import RESULT_FILE
from zoo import recipes

VAT, BASELINE = (recipes.get(name) for name in ("synthetic_mlp-vat", "synthetic_mlp-baseline"))
JOBS = [(VAT, 0), (BASELINE, 0), (VAT, 1), (BASELINE, 1)]
WRITE = """
import pathlib, sys
path = pathlib.Path(sys.argv[1])
path.parent.mkdir(parents=True)
path.write_text(sys.argv[2])
print("trained")
"""


def result(recipe, seed, **errors):
    return {
        "recipe": recipe.name,
        "seed": seed,
        "errors": {"test": 1.0, **errors},
        "seconds_per_epoch": 0.1,
        "epochs": 4,
        "backend": keras.backend.backend(),
    }


class Quick(Queue):
    """A queue whose runs only write a result; the seeds in `broken` fail."""

    broken = ()

    def command(self, recipe, seed, *flags):
        code = "raise SystemExit(3)" if seed in self.broken else WRITE
        path = self.folder(recipe, seed) / RESULT_FILE
        return [sys.executable, "-c", code, str(path), json.dumps(result(recipe, seed))]


@pytest.fixture
def queue(tmp_path):
    return lambda **options: Quick(str(tmp_path / "results"), str(tmp_path / "runs"), **options)


@pytest.mark.parametrize("side_by_side", [1, 3])
def test_all_runs_are_recorded(queue, tmp_path, side_by_side):
    assert queue(side_by_side=side_by_side).work_down(JOBS) == []
    for recipe in (VAT, BASELINE):
        assert finished_seeds(recipe, tmp_path / "results") == {0, 1}
        assert f"`{recipe.name}`" in (tmp_path / "results" / "README.md").read_text()


def test_runs_print_where_the_queue_prints(queue, capfd):
    with figures(as_json=True):
        assert queue().work_down(JOBS[:1]) == []
    out, err = capfd.readouterr()
    assert not out and err.endswith("trained\n")


def test_figures_of_another_backend_are_named(queue, tmp_path, capsys):
    queue().work_down(JOBS[:1])
    assert "was trained" not in capsys.readouterr().out
    path = queue().folder(VAT, 0) / RESULT_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), "backend": "torch"}))
    other = queue()
    other.command = lambda *_: [sys.executable, "-c", ""]
    assert other.work_down(JOBS[:1]) == []
    assert "seed 0: the figures are those of torch, where it was trained" in capsys.readouterr().out


def test_first_seeds_come_first_and_finished_ones_are_skipped(queue, tmp_path):
    assert queue().missing([VAT, BASELINE], 2) == JOBS
    record_result(result(VAT, 0), VAT, tmp_path / "results")
    assert queue().missing([VAT, BASELINE], 1) == [(BASELINE, 0)]
    changed = VAT.override({"epochs": 7})
    assert queue().missing([changed], 1) == [(changed, 0)]
    assert queue().folder(changed, 0) != queue().folder(VAT, 0)


def test_spread_runs_record_themselves_and_the_first_failure_ends_the_queue(queue, tmp_path):
    spread = queue(distribution=["--distribute=hosts", "--process_index=1"])
    spread.commands, spread.command = [], lambda *job: spread.commands.append(job) or Quick.command(spread, *job)
    spread.broken = (1,)
    assert spread.work_down(JOBS) == [JOBS[2]]
    assert [job[:2] for job in spread.commands] == JOBS[:3]
    flags = ("--noexport", "--distribute=hosts", "--process_index=1", f"--results={tmp_path / 'results'}")
    assert all(job[2:] == flags for job in spread.commands)
    assert not (tmp_path / "results").exists()


def test_a_failed_run_is_named_and_missing_again(queue):
    failing = queue()
    failing.broken = (1,)
    assert failing.work_down(JOBS) == JOBS[2:] == queue().missing([VAT, BASELINE], 2)
    assert queue().work_down(JOBS[2:]) == [] == queue().missing([VAT, BASELINE], 2)


def test_no_time_no_runs(queue, tmp_path, capsys):
    assert queue(deadline=time.monotonic()).work_down(JOBS) == []
    assert "Out of time with 4 runs to go." in capsys.readouterr().out
    assert {path.name for path in tmp_path.glob("runs/*")} <= {LOCK_FILE}


def test_runs_stopped_under_way_are_counted(queue, capsys):
    stopping = queue()
    stopping.command = lambda recipe, seed, *flags: (
        [sys.executable, "-c", ""] if seed else Quick.command(stopping, recipe, seed, *flags)
    )
    assert stopping.work_down(JOBS) == []
    assert capsys.readouterr().out.endswith("Out of time with 2 runs to go.\n")


def test_spread_runs_that_stop_for_time_end_the_queue(queue, capsys):
    """The time of another host may be up, so this host does not start the next run."""
    spread = queue(distribution=["--distribute=hosts"])
    spread.command = lambda *job: [sys.executable, "-c", ""]
    assert spread.work_down(JOBS) == []
    out = capsys.readouterr().out
    assert out.count("begins") == 1 and out.endswith("Out of time with 4 runs to go.\n")


def test_trained_runs_without_figures_yet_do_not_end_the_queue(queue, capsys):
    spread = queue(distribution=["--distribute=hosts"])
    write = "import pathlib, sys; pathlib.Path(sys.argv[1]).mkdir(parents=True)"
    folder = "member-0/epoch-00100-final"
    spread.command = lambda *job: [sys.executable, "-c", write, str(spread.folder(*job[:2]) / folder)]
    assert spread.work_down(JOBS) == []
    assert capsys.readouterr().out.count("begins") == 4


def test_a_damaged_file_is_named_before_the_first_run(queue, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "mnist_mlp-vat.json").write_text("{")
    with pytest.raises(ValueError, match="mnist_mlp-vat.json is damaged"):
        queue().missing([VAT], 1)


def test_the_command_trains_that_run(queue, tmp_path):
    command = Queue("results", "runs").command(VAT, 3, "--noexport")
    assert command[1:5] == ["-m", "trainers.train", "--recipe=synthetic_mlp-vat", "--seed=3"]
    assert f"--workdir=runs/synthetic_mlp-vat-{VAT.digest()}/seed-3" in command and "--noexport" in command


def test_best_seed_is_chosen_by_validation(tmp_path):
    for seed, test, validation in [(0, 0.5, 0.9), (1, 0.9, 0.6), (2, 0.4, 0.6)]:
        record_result(result(VAT, seed, test=test, validation=validation), VAT, tmp_path)
    assert best_seed(VAT, tmp_path) == 1
    for seed, test in [(3, 0.1), (2, 0.9)]:
        record_result(result(BASELINE, seed, test=test), BASELINE, tmp_path)
    assert best_seed(BASELINE, tmp_path) == 2  # the test error does not choose


def test_the_other_exports_follow_a_failed_one(queue, tmp_path):
    queue().work_down(JOBS[:2])
    exporting, exported = queue(), []
    exporting.command = lambda recipe, seed, *flags: (
        exported.append(recipe) or [sys.executable, "-c", f"raise SystemExit({recipe is VAT:d})"]
    )
    assert exporting.export_best([VAT, BASELINE], "models") == [(VAT, 0)] and exported == [VAT, BASELINE]


def test_select():
    assert select([], ["synthetic_mlp-vat", "synthetic_mlp-v*"])[0] is VAT
    names = [recipe.name for recipe in select(["synthetic"], ["synthetic_mlp-vat"])]
    assert len(names) == len(set(names)) and all(name.startswith("synthetic_mlp-") for name in names)


@pytest.mark.parametrize(
    "tables, patterns, message",
    [
        (["synthetc"], [], "Unknown table 'synthetc'. Did you mean 'synthetic'"),
        ([], ["synthetic_mlp-vta"], "Did you mean 'synthetic_mlp-vat'"),
        ([], [], "Choose what to reproduce"),
    ],
)
def test_bad_input(tables, patterns, message):
    with pytest.raises(ValueError, match=message):
        select(tables, patterns)
