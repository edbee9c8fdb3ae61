"""Flags that spread a run over devices and hosts, for all commands that train.

    KERAS_BACKEND=jax python -m trainers.train --distribute=devices
    KERAS_BACKEND=jax python -m trainers.train --distribute=hosts --coordinator=10.0.0.1:1234 --num_processes=2 \
        --process_index=0

docs/guides/distribute.md explains both.
"""

import contextlib

from absl import flags

from trainers.cli import program

DISTRIBUTE = flags.DEFINE_enum(
    "distribute",
    "none",
    ["none", "devices", "hosts"],
    "none: train on one device. devices: on all devices of this host. hosts: on several hosts; run the same command on "
    "each, with a --workdir that all of them share.",
)
COORDINATOR = flags.DEFINE_string(
    "coordinator", None, "host:port of process 0. Slurm, Open MPI and cloud TPUs provide it themselves."
)
NUM_PROCESSES = flags.DEFINE_integer(
    "num_processes", None, "Number of processes of the run; needed with --coordinator.", lower_bound=1
)
PROCESS_INDEX = flags.DEFINE_integer(
    "process_index", None, "Index of this process, from 0; needed with --coordinator.", lower_bound=0
)
HOLDERS = (DISTRIBUTE, COORDINATOR, NUM_PROCESSES, PROCESS_INDEX)


def is_distributed() -> bool:
    """Whether the flags ask for more than one device."""
    return DISTRIBUTE.value != "none"


def on_hosts() -> bool:
    """Whether the flags ask for several hosts."""
    return DISTRIBUTE.value == "hosts"


def chosen() -> contextlib.AbstractContextManager:
    """The context that the flags ask for."""
    from zoo.backend.distribution import distribute

    return distribute(DISTRIBUTE.value, COORDINATOR.value, NUM_PROCESSES.value, PROCESS_INDEX.value)


def arguments() -> list[str]:
    """The flags that were given, as arguments for another command; none if they ask for one device."""
    given = [flags.FLAGS[holder.name].serialize() for holder in HOLDERS if holder.present]
    return given if is_distributed() else []


def check() -> None:
    """Checks that no flag does nothing next to the others.

    Raises:
        UsageError: a flag of several hosts was given without them.
    """
    for holder in (COORDINATOR, NUM_PROCESSES, PROCESS_INDEX):
        # The export of a run on several hosts repeats its flags and adds --distribute=none.
        if holder.value is not None and (DISTRIBUTE.value == "devices" or not DISTRIBUTE.present):
            raise program.UsageError(f"--{holder.name}={holder.value} needs --distribute=hosts.")
