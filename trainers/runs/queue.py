"""A queue of training runs, each a `trainers.train` in a process of its own."""

import contextlib
import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import time

import keras

from trainers.results.store import best_seed, check_folder, finished_seeds, record_result
from trainers.results.tables import TABLES, matching
from trainers.runs.lock import locked
from trainers.runs.termination import Termination
from trainers.runs.workdir import RESULT_FILE, read_json
from zoo import recipes
from zoo.validation import check_choice


def select(tables, patterns):
    """The recipes of some tables, and those whose names match patterns, each once and in this order.

    Raises:
        ValueError: nothing is named, a table is unknown, or no recipe matches a pattern; with the nearest name.
    """
    of_tables = [pattern for name in tables for pattern in TABLES[check_choice("table", name, TABLES)][1]]
    for pattern in patterns:
        if not matching(recipes.RECIPES, [pattern]):
            check_choice("recipe", pattern, recipes.RECIPES)
    names = [name for pattern in [*of_tables, *patterns] for name in matching(recipes.RECIPES, [pattern])]
    if not names:
        raise ValueError("Name what to reproduce: --table=synthetic, or --recipes=mnist_mlp-vat.")
    return [recipes.get(name) for name in dict.fromkeys(names)]


@contextlib.contextmanager
def ended(running):
    """Passes SIGTERM on to the processes that are left in the end, and waits for them.

    Args:
        running: list of pairs of a job and its process, the leader of a group.
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
        workdir: folder of checkpoints and logs, one folder below for each run.
        side_by_side: runs at the same time.
        deadline: of `time.monotonic`, at which runs under way stop behind a checkpoint; None never stops.
        distribution: flags by which runs are spread over devices and hosts. Then the runs record their figures
            themselves, for only one of the processes does, and the first run that fails or stops for time ends the
            queue, lest hosts go on with different runs.
    """

    results: str
    workdir: str
    side_by_side: int = 1
    deadline: float | None = None
    distribution: list[str] = dataclasses.field(default_factory=list)

    def missing(self, chosen, num_seeds):
        """`(recipe, seed)` of the runs without figures: all first seeds, then all second ones.

        Raises:
            ValueError, OSError: the results folder could not take the figures, see `check_folder`.
        """
        check_folder(self.results)
        done = {recipe.name: finished_seeds(recipe, self.results) for recipe in chosen}
        return [(recipe, seed) for seed in range(num_seeds) for recipe in chosen if seed not in done[recipe.name]]

    def work_down(self, jobs):
        """Runs the jobs in order, as far as the time reaches; returns those that failed.

        Raises:
            OSError: another queue, or a run that it left, works in the same folder.
            SystemExit: SIGTERM came and was passed on; every run under way is saved and over.
        """
        jobs, running, failed, stopped = list(jobs), [], [], 0
        with self._locked() as self.lock, Termination() as termination, ended(running):
            while not termination.requested and (running or (jobs and not self.out_of_time)):
                if self.distribution and (failed or stopped):
                    stopped += len(jobs) if stopped else 0
                    jobs.clear()
                while jobs and len(running) < self.side_by_side and not self.out_of_time:
                    running.append((jobs[0], self._start(*jobs.pop(0))))
                for job, process in [pair for pair in running if pair[1].poll() is not None]:
                    running.remove((job, process))
                    failed += [] if self._record(*job, process) else [job]
                    stopped += process.returncode == 0 and not self._is_trained(*job)
                time.sleep(0.1)
        if left := len(jobs) + stopped:
            print(f"Out of time with {left} run{'s' * (left > 1)} to go.")
        return failed

    def export_best(self, chosen, saved_models):
        """Writes the SavedModel of each recipe's seed of the lowest validation error, where its weights are here.

        Returns:
            `(recipe, seed)` of the exports that failed.
        """
        failed = []
        for recipe in chosen:
            if not finished_seeds(recipe, self.results):
                continue
            seed = best_seed(recipe, self.results)
            if not (self.folder(recipe, seed) / RESULT_FILE).exists():
                print(f"{recipe.name}, seed {seed}: no export, its weights are not in {self.workdir}.")
                continue
            environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
            command = self.command(recipe, seed, f"--saved_models={saved_models}")
            with Termination() as termination, ended([]) as running:
                process = subprocess.Popen(command, env=environment, start_new_session=True)
                running.append((recipe, process))
                while process.poll() is None and not termination.requested:
                    time.sleep(0.1)
            failed += [(recipe, seed)] if process.returncode else []
        return failed

    def folder(self, recipe, seed):
        """The run's working directory; other settings of a recipe have another one."""
        return pathlib.Path(self.workdir) / f"{recipe.name}-{recipe.digest()}" / f"seed-{seed}"

    def command(self, recipe, seed, *flags):
        """The command of a run."""
        program = [sys.executable, "-m", "trainers.train", f"--recipe={recipe.name}", f"--seed={seed}"]
        return [*program, f"--workdir={self.folder(recipe, seed)}", "--verbose=0", *flags]

    def _locked(self):
        """The lock of the queue's folder; the queues of several hosts share the folder, and their runs have locks."""
        return contextlib.nullcontext() if "--distribute=hosts" in self.distribution else locked(self.workdir)

    @property
    def out_of_time(self):
        return self.deadline is not None and time.monotonic() > self.deadline

    def _start(self, recipe, seed):
        limit = [] if self.deadline is None else [f"--max_seconds={max(self.deadline - time.monotonic(), 0.0):.1f}"]
        print(f"{recipe.name}, seed {seed}: begins.", flush=True)
        memory = f"{0.9 / self.side_by_side:.2f}"
        share = {"XLA_PYTHON_CLIENT_MEM_FRACTION": memory, "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
        environment = {**share, **os.environ, "KERAS_BACKEND": keras.backend.backend()}
        # The run holds the queue's lock as well, should it outlive the queue, and gets no signal but through it.
        spread = [*self.distribution, f"--results={self.results}"] if self.distribution else []
        return subprocess.Popen(
            self.command(recipe, seed, "--noexport", *limit, *spread),
            env=environment,
            pass_fds=() if self.lock is None else (self.lock,),
            start_new_session=True,
        )

    def _is_trained(self, recipe, seed):
        """Whether a run has come to the end of its training; on several hosts its figures may still be on their way."""
        last = self.folder(recipe, seed) / f"member-{recipe.num_members - 1}"
        return (self.folder(recipe, seed) / RESULT_FILE).exists() or any(last.glob("epoch-*-final"))

    def _record(self, recipe, seed, process):
        """Whether a run ended well; its figures are recorded if it came to its end."""
        path = self.folder(recipe, seed) / RESULT_FILE
        if process.returncode == 0 and path.exists() and not self.distribution:
            record_result(read_json(path), recipe, self.results)
        return process.returncode == 0
