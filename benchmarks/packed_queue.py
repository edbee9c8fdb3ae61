"""A queue of training runs that packs each run into one file as soon as it ends."""

import dataclasses
import pathlib
import zipfile

from trainers.results.lock import LOCK_FILE
from trainers.runs.queue import Queue
from trainers.runs.workdir import RESULT_FILE
from zoo.files import atomic


@dataclasses.dataclass
class PackedQueue(Queue):
    """A `Queue` that leaves a file `RECIPE-seed-N.zip` of every run that ended well or stopped for time.

    Attributes:
        output: folder of these files.
        epochs: number of epochs in place of the recipes', which have to be overridden alike; None for theirs.
    """

    output: pathlib.Path = pathlib.Path("gpu")
    epochs: int | None = None

    def command(self, recipe, seed, *flags):
        """The command of a run."""
        epochs = [] if self.epochs is None else [f"--epochs={self.epochs}"]
        return super().command(recipe, seed, *epochs, *flags)

    def _record(self, recipe, seed, process):
        well = super()._record(recipe, seed, process)
        if well:
            path = pack(self, recipe, seed, self.output)
            print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB", flush=True)
        return well


def pack(queue, recipe, seed, output):
    """Packs a run and its recipe's file of figures.

    Args:
        queue: `Queue`.
        recipe, seed: of the run.
        output: folder of the file.

    Returns:
        Its path. In the file, the run lies where a queue with the default folders looks for it, and the figures of a
        finished one in `results/`.
    """
    folder, path = queue.folder(recipe, seed), pathlib.Path(output) / f"{recipe.name}-seed-{seed}.zip"
    figures = pathlib.Path(queue.results) / f"{recipe.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(folder.rglob("*")):
            if file.is_file() and file.name != LOCK_FILE:
                packed.write(file, pathlib.Path("runs") / file.relative_to(queue.workdir))
        if (folder / RESULT_FILE).exists():
            packed.write(figures, pathlib.Path("results") / figures.name)
    return path
