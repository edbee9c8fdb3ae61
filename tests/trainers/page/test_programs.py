"""The commands `draw` and `report` in separate processes, as a user runs them."""

import os
import subprocess
import sys


def run(program, *arguments):
    command = [sys.executable, "-m", f"trainers.{program}", *map(str, arguments)]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_drawn_pictures_are_in_the_report_with_their_command(folders, tmp_path):
    names = "--names=errors_by_labels,worst_movements"
    done = run("draw", names, f"--results={folders.results}", f"--pictures={folders.pictures}", "--format=svg,png")
    assert done.returncode == 0, done.stderr
    written = sorted(path.name for path in folders.pictures.iterdir())
    assert written == ["errors_by_labels.png", "errors_by_labels.svg", "worst_movements.png", "worst_movements.svg"]
    sources = [f"--{name}={getattr(folders, name)}" for name in ("results", "analysis", "saved_models", "pictures")]
    done = run("report", *sources, f"--output={tmp_path}/new/page.html")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "new" / "page.html").read_text()
    assert f"python -m trainers.draw --names=worst_movements --results={folders.results}" in text


def test_an_unknown_picture_names_the_nearest(folders):
    done = run("draw", "--names=pertubations", f"--pictures={folders.pictures}")
    assert done.returncode == 2 and "Did you mean 'perturbations'" in done.stderr
    assert "`python -m trainers.draw --help` lists all" in done.stderr
