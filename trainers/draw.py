"""Draws pictures and writes them as SVG or PNG files.

    python -m trainers.draw
    python -m trainers.draw --names=perturbations,movement_fields --model=mnist_mlp-vat
    python -m trainers.draw --names=worst_movements --table=synthetic --format=png

Without --names the command draws all pictures that need no results: of published models, of short runs, and of points
in the plane. `trainers.report` shows the pictures in docs/pictures.
"""

import pathlib
import shlex
import sys

from absl import app, flags

from trainers.cli.program import main_of
from trainers.results.tables import TABLES
from zoo.files import write_atomic
from zoo.optional import require

NAMES = flags.DEFINE_list("names", [], "Names of pictures; an unknown name lists them all.")
DIRECTORY = flags.DEFINE_string("directory", "docs/pictures", "Folder to write into.")
FORMAT = flags.DEFINE_list(
    "format", ["svg"], "svg, which adapts to the light or dark theme of the reader, or png, which is on white; or both."
)
MODEL = flags.DEFINE_string("model", "mnist_mlp-baseline", "Name of a published model, or path of a SavedModel.")
SAVED_MODELS = flags.DEFINE_string("saved_models", None, "Folder of published models, if --model is a name.")
TABLE = flags.DEFINE_enum("table", "synthetic", list(TABLES), "Table whose results to draw.")
RESULTS = flags.DEFINE_string("results", "results", "Folder of the figures.")
WORKDIR = flags.DEFINE_string("workdir", None, "Finished run of a ladder. Default: train one for an epoch.")

WITHOUT_EFFECT = {"names", "directory", "format"}  # flags that do not change what a picture shows


def command(name: str) -> str:
    """The command that draws a picture with the present flags and backend."""
    import keras

    backend = keras.backend.backend()
    own = flags.FLAGS.get_key_flags_for_module(sys.modules[__name__])
    changed = [flag for flag in own if flag.name not in WITHOUT_EFFECT and flag.value != flag.default]
    arguments = [f"--names={name}", *(f"--{flag.name}={flag.value}" for flag in changed)]
    program = shlex.join(["python", "-m", "trainers.draw", *arguments])
    return program if backend == "tensorflow" else f"KERAS_BACKEND={backend} {program}"


def draw() -> None:
    """Draws and writes the pictures."""
    require("matplotlib", "Drawing pictures", "report")
    from trainers.pictures import catalog, style
    from zoo.validation import check_choice

    for chosen in FORMAT.value or [""]:
        check_choice("format", chosen, ("svg", "png"))
    for name in NAMES.value:
        check_choice("picture", name, catalog.PICTURES)
    sources = catalog.Sources(RESULTS.value, TABLE.value, MODEL.value, SAVED_MODELS.value, WORKDIR.value)
    directory = pathlib.Path(DIRECTORY.value)
    directory.mkdir(parents=True, exist_ok=True)
    for name in NAMES.value or catalog.FROM_NETWORKS:
        picture = catalog.draw(name, sources)
        if "svg" in FORMAT.value:
            write_atomic(directory / f"{name}.svg", style.svg(picture, command(name)))
        if "png" in FORMAT.value:
            (directory / f"{name}.png").write_bytes(style.png(picture))
        print(f"{directory / name}: {picture.title}", flush=True)


main = main_of(draw)

if __name__ == "__main__":
    app.run(main)
