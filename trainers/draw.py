"""Draws pictures and writes them as SVG or PNG files.

    python -m trainers.draw
    python -m trainers.draw --names=perturbations,movement_fields --model=mnist_mlp-vat
    python -m trainers.draw --names=worst_movements --table=synthetic --format=png

Without --names the command draws all pictures of networks: of published models, of short runs, and of points in the
plane. `trainers.report` shows the pictures in docs/pictures.
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

# For --help, which imports no pictures. A test compares the names with the catalog.
OF_NETWORKS = [
    "methods",
    "decision_boundaries",
    "adversarial_examples",
    "perturbations",
    "signal_perturbations",
    "movement_fields",
    "sample_pairs",
    "signal_pairs",
    "signal_classes",
    "ladder_reconstructions",
    "combinators",
    "limit_ratios",
    "noise_kinds",
    "noisy_costs",
]
OF_TABLE = [
    "errors_by_method",
    "learning_curves",
    "generalization_gap",
    "worst_movements",
    "normalized_worst_movements",
]
OF_ALL_RESULTS = ["error_by_cost", "errors_by_labels", "accuracy_by_epsilon"]

NAMES = flags.DEFINE_list(
    "names",
    [],
    f"Names of pictures with commas between. Of networks: {', '.join(OF_NETWORKS)}. Of the results of a table: "
    f"{', '.join(OF_TABLE)}. Of all results: {', '.join(OF_ALL_RESULTS)}. Default: those of networks.",
)
PICTURES = flags.DEFINE_string("pictures", "docs/pictures", words.PICTURES)
FORMAT = flags.DEFINE_list(
    "format", ["svg"], "svg, which adapts to the light or dark theme of the reader, or png, which is on white; or both."
)
MODEL = flags.DEFINE_string("model", "mnist_mlp-baseline", words.MODEL)
SAVED_MODELS = flags.DEFINE_string("saved_models", None, words.SAVED_MODELS)
TABLE = flags.DEFINE_string("table", "synthetic", f"{words.TABLE}: {', '.join(TABLES)}.")
RESULTS = flags.DEFINE_string("results", "results", words.RESULTS)
ANALYSIS = flags.DEFINE_string("analysis", "results/analysis", words.ANALYSIS)
WORKDIR = flags.DEFINE_string("workdir", None, "Finished run of a ladder. Default: train one for an epoch.")
allow(NAMES, "picture", [*OF_NETWORKS, *OF_TABLE, *OF_ALL_RESULTS], "python -m trainers.draw --help")
allow(FORMAT, "format", ("svg", "png"))
allow(TABLE, "table", TABLES)

SECTIONS = {
    "What to draw": [NAMES],
    "From what": [MODEL, SAVED_MODELS, TABLE, RESULTS, ANALYSIS, WORKDIR],
    "Files": [PICTURES, FORMAT],
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

    require("matplotlib", "Drawing pictures", "report")
    from trainers.pictures import catalog, files
    from trainers.pictures.sources import Sources

    sources = Sources(**{holder.name: holder.value for holder in SECTIONS["From what"]})
    directory = pathlib.Path(PICTURES.value)
    directory.mkdir(parents=True, exist_ok=True)
    names, begun = NAMES.value or OF_NETWORKS, time.monotonic()
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
