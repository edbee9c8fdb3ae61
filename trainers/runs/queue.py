"""A queue of training runs; each run is a `trainers.train` in its own process."""

import contextlib
import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import keras

from trainers.cli.output import stdout_of_subprocesses
from trainers.results.files import read_json
from trainers.results.lock import locked
from trainers.results.store import best_seed, check_results, finished_seeds, record_result
from trainers.results.tables import TABLES, matching
from trainers.runs.progress import time_left
from trainers.runs.termination import Termination
from trainers.runs.workdir import RESULT_FILE
from zoo import recipes
from zoo.recipes import Recipe
from zoo.validation import check_choice

Job = tuple[Recipe, int]


def select(tables: Sequence[str], patterns: Sequence[str]) -> list[Recipe]:
    """The recipes of some tables, then those whose names match some patterns; each recipe once.

    Args:
        tables: names among `TABLES`.
        patterns: names of recipes, with the wildcards `*`, `?` and `[…]`.

    Raises:
        ValueError: both lists are empty, a table is unknown, or no recipe matches a pattern.
    """
    of_tables = [pattern for name in tables for pattern in TABLES[check_choice("table", name, TABLES)][1]]
    for pattern in patterns:
        if not matching(recipes.RECIPES, [pattern]):
            recipes.get(pattern)  # raises an error with the nearest names
    names = [name for pattern in [*of_tables, *patterns] for name in matching(recipes.RECIPES, [pattern])]
    if not names:
        raise ValueError("Choose what to reproduce: for example --table=synthetic, or --recipes=mnist_mlp-vat.")
    return [recipes.get(name) for name in dict.fromkeys(names)]


@contextlib.contextmanager
def ended(running: list[tuple[Any, subprocess.Popen]]) -> Iterator[list[tuple[Any, subprocess.Popen]]]:
    """On exit, sends SIGTERM to the processes that still run, and waits for them.

    Args:
        running: pairs of a job and its process; each process leads its own group.
    """
    try:
        yield running
    finally:
        for _, process in running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for _, process in running:
            process.wait()


@dataclasses.dataclass
class Queue:
    """Runs recipes over seeds and records their figures.

    Attributes:
        results: folder of the figures.
        workdir: folder of checkpoints and logs, with one subfolder per run.
        side_by_side: number of runs at the same time.
        deadline: time on the clock of `time.monotonic`; runs stop after a checkpoint when it passes. None never stops.
        distribution: flags that spread each run over devices and hosts. With them, the runs record their own figures,
            because only one process of a run may do so. The first run that fails or runs out of time ends the queue, so
            that all hosts stop at the same run.
    """

    results: str
    workdir: str
    side_by_side: int = 1
    deadline: float | None = None
    distribution: list[str] = dataclasses.field(default_factory=list)

    def missing(self, chosen: Sequence[Recipe], num_seeds: int) -> list[Job]:
        """The runs without figures: the first seed of every recipe, then the second seeds, and so on.

        Args:
            chosen: recipes, in order.
            num_seeds: of each recipe.

        Raises:
            ValueError: the results folder holds a damaged file, or a `README.md` that is not ours.
            OSError: the results folder cannot be written.
        """
        check_results(self.results)
        done = {recipe.name: finished_seeds(recipe, self.results) for recipe in chosen}
        return [(recipe, seed) for seed in range(num_seeds) for recipe in chosen if seed not in done[recipe.name]]

    def work_down(self, jobs: Sequence[Job]) -> list[Job]:
        """Runs the jobs in order until the time is up.

        Returns:
            The jobs that failed.

        Raises:
            OSError: another queue, or a run that it left, works in the same folder.
            SystemExit: SIGTERM arrived; the queue passed it on, and every run has saved itself and ended.
        """
        jobs, running, failed, stopped = list(jobs), [], [], 0
        begun, total = time.monotonic(), len(jobs)
        with self._locked() as self.lock, Termination() as termination, ended(running):
            while not termination.requested and (running or (jobs and not self.out_of_time)):
                if self.distribution and (failed or stopped):
                    stopped += len(jobs) if stopped else 0
                    jobs.clear()
                while jobs and len(running) < self.side_by_side and not self.out_of_time:
                    left = time_left(time.monotonic() - begun, total - len(jobs) - len(running), total)
                    place = f"run {total - len(jobs) + 1} of {total}{left and f', {left}'}"
                    running.append((jobs[0], self._start(*jobs.pop(0), place)))
                for job, process in [pair for pair in running if pair[1].poll() is not None]:
                    running.remove((job, process))
                    failed += [] if self._record(*job, process) else [job]
                    stopped += process.returncode == 0 and not self._is_trained(*job)
                time.sleep(0.1)
        if left := len(jobs) + stopped:
            print(f"Out of time with {left} run{'s' * (left > 1)} to go.")
        return failed

    def export_best(self, chosen: Sequence[Recipe], saved_models: str) -> list[Job]:
        """Writes the SavedModel of each recipe's best seed, if its weights are in `workdir`; see `best_seed`.

        Args:
            chosen: recipes.
            saved_models: folder of published models.

        Returns:
            The jobs whose export failed.
        """
        failed = []
        for recipe in chosen:
            if not finished_seeds(recipe, self.results):
                continue
            seed = best_seed(recipe, self.results)
            if not (self.folder(recipe, seed) / RESULT_FILE).exists():
                print(f"{recipe.name}, seed {seed}: not exported, because its weights are not in {self.workdir}.")
                continue
            failed += [] if self._export(recipe, seed, saved_models) else [(recipe, seed)]
        return failed

    def folder(self, recipe: Recipe, seed: int) -> pathlib.Path:
        """The working directory of a run; every change of a recipe's settings gives another one."""
        return pathlib.Path(self.workdir) / f"{recipe.name}-{recipe.digest()}" / f"seed-{seed}"

    def command(self, recipe: Recipe, seed: int, *flags: str) -> list[str]:
        """The command of a run."""
        program = [sys.executable, "-m", "trainers.train", f"--recipe={recipe.name}", f"--seed={seed}"]
        return [*program, f"--workdir={self.folder(recipe, seed)}", "--verbose=0", *flags]

    def _export(self, recipe, seed, saved_models):
        """Exports one run; returns whether this succeeded."""
        environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
        command = self.command(recipe, seed, f"--saved_models={saved_models}")
        with Termination() as termination, ended([]) as running:
            process = subprocess.Popen(
                command, env=environment, stdout=stdout_of_subprocesses(), start_new_session=True
            )
            running.append((recipe, process))
            while process.poll() is None and not termination.requested:
                time.sleep(0.1)
        return not process.returncode

    def _locked(self):
        """The lock of the queue's folder. The queues of several hosts share the folder; there, the runs lock."""
        return contextlib.nullcontext() if "--distribute=hosts" in self.distribution else locked(self.workdir)

    @property
    def out_of_time(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and time.monotonic() > self.deadline

    def _start(self, recipe, seed, place):
        left = None if self.deadline is None else max(self.deadline - time.monotonic(), 0.0) / 60
        limit = [] if left is None else [f"--minutes={left:.3f}"]
        print(f"{recipe.name}, seed {seed}: begins ({place}).", flush=True)
        memory = f"{0.9 / self.side_by_side:.2f}"
        share = {"XLA_PYTHON_CLIENT_MEM_FRACTION": memory, "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
        environment = {**share, **os.environ, "KERAS_BACKEND": keras.backend.backend()}
        spread = [*self.distribution, f"--results={self.results}"] if self.distribution else []
        # The run inherits the lock, so that the folder stays locked if the queue dies first. In its own session it
        # receives signals from the queue only.
        return subprocess.Popen(
            self.command(recipe, seed, "--noexport", *limit, *spread),
            env=environment,
            stdout=stdout_of_subprocesses(),
            pass_fds=() if self.lock is None else (self.lock,),
            start_new_session=True,
        )

    def _is_trained(self, recipe, seed):
        """Whether a run finished training; on several hosts its figures may still be missing."""
        last = self.folder(recipe, seed) / f"member-{recipe.num_members - 1}"
        return (self.folder(recipe, seed) / RESULT_FILE).exists() or any(last.glob("epoch-*-final"))

    def _record(self, recipe, seed, process):
        """Records the figures of a run if there are any; returns whether its process succeeded."""
        path = self.folder(recipe, seed) / RESULT_FILE
        if process.returncode == 0 and path.exists() and not self.distribution:
            result = read_json(path)
            if result.get("backend") != keras.backend.backend():
                where = f"{recipe.name}, seed {seed}: the figures are those of {result.get('backend')}"
                print(f"{where}, where it was trained. To train it again, choose another --workdir.", flush=True)
            record_result(result, recipe, self.results)
        return process.returncode == 0
