"""Draws pictures and writes them as SVG and PNG files.

    python -m trainers.draw
    python -m trainers.draw --names=perturbations,movement_fields --model=mnist_mlp-vat
    python -m trainers.draw --names=worst_movements --table=synthetic --format=png

Without names it draws those that need no results: of published models, of short runs, of points of the plane. The
report shows what lies in docs/pictures.
"""

import pathlib
import shlex
import sys

from absl import app, flags

from trainers.cli.program import main_of
from trainers.results.tables import TABLES
from zoo.files import write_atomic
from zoo.optional import require

NAMES = flags.DEFINE_list("names", [], "Pictures; an unknown name lists them all.")
DIRECTORY = flags.DEFINE_string("directory", "docs/pictures", "Folder to write into.")
FORMAT = flags.DEFINE_list("format", ["svg"], "svg, which follows the reader's light or dark theme, and png, on white.")
MODEL = flags.DEFINE_string("model", "mnist_mlp-baseline", "Published model, by name or path.")
SAVED_MODELS = flags.DEFINE_string("saved_models", None, "Folder of published models, where a name is given.")
TABLE = flags.DEFINE_enum("table", "synthetic", list(TABLES), "Table whose results are shown.")
RESULTS = flags.DEFINE_string("results", "results", "Folder of the figures.")
WORKDIR = flags.DEFINE_string("workdir", None, "Finished run of a ladder; without it one is trained for an epoch.")
SEED = flags.DEFINE_integer("seed", 0, "Seed of noise and of short runs.", 0, 2**31 - 1)
EPSILON = flags.DEFINE_float("epsilon", 2.0, "L2 norm of perturbations, in units of the input.", lower_bound=0)
DISTANCE = flags.DEFINE_float("distance", 1.5, "Root mean square of movements, in positions.", lower_bound=0)

OWN = {"names", "directory", "format"}  # flags that do not change a picture


def command(name):
    """The command that draws one picture as the flags say, on this backend."""
    import keras

    backend = keras.backend.backend()
    given = [flag for flag in flags.FLAGS.get_key_flags_for_module(sys.modules[__name__]) if flag.name not in OWN]
    changed = [f"--{flag.name}={flag.value}" for flag in given if flag.value != flag.default]
    program = shlex.join(["python", "-m", "trainers.draw", f"--names={name}", *changed])
    return program if backend == "tensorflow" else f"KERAS_BACKEND={backend} {program}"


def draw():
    require("matplotlib", "Drawing pictures", "report")
    from trainers.pictures import catalog, style
    from zoo.validation import check_choice

    for chosen in FORMAT.value or [""]:
        check_choice("format", chosen, ("svg", "png"))
    for name in NAMES.value:
        check_choice("picture", name, catalog.PICTURES)
    sources = catalog.Sources(
        RESULTS.value,
        TABLE.value,
        MODEL.value,
        SAVED_MODELS.value,
        WORKDIR.value,
        SEED.value,
        EPSILON.value,
        DISTANCE.value,
    )
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
