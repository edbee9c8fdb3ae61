"""The flags by which a run is spread over devices and hosts, shared by the programs that train.

    KERAS_BACKEND=jax python -m trainers.train --distribute=devices
    KERAS_BACKEND=jax python -m trainers.train --distribute=hosts --coordinator=10.0.0.1:1234 --num_processes=2 \
        --process_index=0
"""

from absl import flags

from zoo.backend.distribution import WAYS, distribute

DISTRIBUTE = flags.DEFINE_enum(
    "distribute",
    "none",
    WAYS,
    "Train on one device, on all devices of this host, or on those of several hosts; each of these runs the same "
    "command, with a --workdir that all of them see.",
)
COORDINATOR = flags.DEFINE_string(
    "coordinator", None, "host:port of process 0; on Slurm, Open MPI and cloud TPUs found without it."
)
NUM_PROCESSES = flags.DEFINE_integer("num_processes", None, "Processes of the run, as --coordinator.", lower_bound=1)
PROCESS_INDEX = flags.DEFINE_integer("process_index", None, "Index of this one, as --coordinator.", lower_bound=0)


def is_distributed():
    return DISTRIBUTE.value != "none"


def on_hosts():
    return DISTRIBUTE.value == "hosts"


def chosen():
    """The context that the flags ask for."""
    return distribute(DISTRIBUTE.value, COORDINATOR.value, NUM_PROCESSES.value, PROCESS_INDEX.value)


def arguments():
    """The flags, for the command of another program."""
    holders = (DISTRIBUTE, COORDINATOR, NUM_PROCESSES, PROCESS_INDEX)
    return [flags.FLAGS[holder.name].serialize() for holder in holders if holder.present]
