"""A queue of training runs that packs each run into one file as soon as it ends."""

import dataclasses
import pathlib
import zipfile

from trainers.results.lock import LOCK_FILE
from trainers.runs.queue import Queue
from zoo.files import atomic


@dataclasses.dataclass
class PackedQueue(Queue):
    """A `Queue` that leaves a file `RECIPE-seed-N.zip` of every run that ended or was stopped.

    Attributes:
        output: folder of these files.
        epochs: number of epochs in place of the recipes', which have to be overridden alike; None for theirs.
        packed: the files that were written so far.
    """

    output: pathlib.Path = pathlib.Path("gpu")
    epochs: int | None = None
    packed: set[pathlib.Path] = dataclasses.field(default_factory=set)

    def command(self, recipe, seed, *flags):
        """The command of a run."""
        epochs = [] if self.epochs is None else [f"--epochs={self.epochs}"]
        return super().command(recipe, seed, *epochs, *flags)

    def work_down(self, jobs):
        """Runs the jobs, see `Queue`; in the end packs every run that has begun, also if a signal stops the queue."""
        try:
            return super().work_down(jobs)
        finally:
            for recipe, seed in jobs:
                self.pack(recipe, seed)

    def pack(self, recipe, seed):
        """Packs a run that has begun, once. In the file it lies where a queue with the default folders looks for it."""
        folder, path = self.folder(recipe, seed), pathlib.Path(self.output) / f"{recipe.name}-seed-{seed}.zip"
        if path in self.packed or not folder.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in sorted(folder.rglob("*")):
                if file.is_file() and file.name != LOCK_FILE:
                    packed.write(file, pathlib.Path("runs") / file.relative_to(self.workdir))
        self.packed.add(path)
        print(f"{path}: {path.stat().st_size / 2**20:.1f} MiB", flush=True)

    def _record(self, recipe, seed, process):
        well = super()._record(recipe, seed, process)
        self.pack(recipe, seed)
        return well
