"""The commands `draw` and `report` together."""

from tests.support.run_programs import run, start


def test_drawn_pictures_are_in_the_report_with_their_command(folders, tmp_path):
    names = "--names=errors_by_labels,worst_movements"
    places = [f"--results={folders.results}", f"--pictures={folders.pictures}"]
    status, _, err = run("draw", names, *places, "--format=svg,png")
    assert status == 0, err
    written = sorted(path.name for path in folders.pictures.iterdir())
    assert written == ["errors_by_labels.png", "errors_by_labels.svg", "worst_movements.png", "worst_movements.svg"]
    sources = [f"--{name}={getattr(folders, name)}" for name in ("results", "analysis", "saved_models", "pictures")]
    status, _, err = run("report", *sources, f"--output={tmp_path}/new/page.html")
    assert status == 0, err
    text = (tmp_path / "new" / "page.html").read_text()
    assert f"python -m trainers.draw --names=worst_movements --results={folders.results}" in text


def test_an_unknown_picture_names_the_nearest(folders):
    done = start("draw", "--names=pertubations", f"--pictures={folders.pictures}")
    assert done.returncode == 2 and "Did you mean 'perturbations'" in done.stderr
    assert "`python -m trainers.draw --help` lists all" in done.stderr
