"""Draws pictures and writes them as SVG or PNG files.

    python -m trainers.draw
    python -m trainers.draw --names=perturbations,movement_fields --model=mnist_mlp-vat
    python -m trainers.draw --names=worst_movements --table=synthetic --format=png

Without --names the command draws all pictures that need no results: of published models, of short runs, and of points
in the plane. `trainers.report` shows the pictures in docs/pictures.
"""

import pathlib
import shlex
import time

from absl import flags

from trainers.cli import program, quiet, words
from trainers.cli.choices import allow
from trainers.cli.light_imports import without_keras
from trainers.runs.progress import time_left

with without_keras():
    from trainers.results.tables import TABLES

NAMES = flags.DEFINE_list("names", [], "Names of pictures with commas between; an unknown name lists them all.")
DIRECTORY = flags.DEFINE_string("directory", "docs/pictures", "Folder to write into.")
FORMAT = flags.DEFINE_list(
    "format", ["svg"], "svg, which adapts to the light or dark theme of the reader, or png, which is on white; or both."
)
MODEL = flags.DEFINE_string("model", "mnist_mlp-baseline", words.MODEL)
SAVED_MODELS = flags.DEFINE_string("saved_models", None, words.SAVED_MODELS)
TABLE = flags.DEFINE_string("table", "synthetic", f"{words.TABLE}: {', '.join(TABLES)}.")
RESULTS = flags.DEFINE_string("results", "results", words.RESULTS)
WORKDIR = flags.DEFINE_string("workdir", None, "Finished run of a ladder. Default: train one for an epoch.")
allow(FORMAT, "format", ("svg", "png"))
allow(TABLE, "table", TABLES)

SECTIONS = {
    "What to draw": [NAMES],
    "From what": [MODEL, SAVED_MODELS, TABLE, RESULTS, WORKDIR],
    "Files": [DIRECTORY, FORMAT],
}


def command(name: str) -> str:
    """The command that draws a picture with the present flags and backend."""
    import keras

    backend = keras.backend.backend()
    chosen = [flags.FLAGS[holder.name] for holder in SECTIONS["From what"]]
    arguments = [f"--{flag.name}={flag.value}" for flag in chosen if flag.value != flag.default]
    program = shlex.join(["python", "-m", "trainers.draw", f"--names={name}", *arguments])
    return program if backend == "tensorflow" else f"KERAS_BACKEND={backend} {program}"


def draw() -> None:
    """Draws and writes the pictures."""
    quiet.load("keras", "tensorflow")
    from zoo.files import write_atomic
    from zoo.optional import require
    from zoo.validation import check_choice

    require("matplotlib", "Drawing pictures", "report")
    from trainers.pictures import catalog, files
    from trainers.pictures.from_networks import FROM_NETWORKS
    from trainers.pictures.sources import Sources

    with program.usage():
        for name in NAMES.value:
            check_choice("picture", name, catalog.PICTURES)
    sources = Sources(RESULTS.value, TABLE.value, MODEL.value, saved_models=SAVED_MODELS.value, workdir=WORKDIR.value)
    directory = pathlib.Path(DIRECTORY.value)
    directory.mkdir(parents=True, exist_ok=True)
    names, begun = NAMES.value or list(FROM_NETWORKS), time.monotonic()
    for done, name in enumerate(names, 1):
        picture = catalog.draw(name, sources)
        if "svg" in FORMAT.value:
            write_atomic(directory / f"{name}.svg", files.svg(picture, command(name)))
        if "png" in FORMAT.value:
            (directory / f"{name}.png").write_bytes(files.png(picture))
        left = time_left(time.monotonic() - begun, done, len(names))
        print(f"{directory / name}: {picture.title}{left and f'; {left}'}", flush=True)


main = program.main_of(draw)

if __name__ == "__main__":
    program.run(main, SECTIONS)
