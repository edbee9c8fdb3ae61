"""What libraries write to the screen: only what a user can act on.

Most libraries have levels of messages, which `set_defaults` chooses. `without_information` filters lines that ignore
them: TensorFlow writes some while its shared libraries load, before it reads its level
(https://github.com/tensorflow/tensorflow/issues/100442), and LiteRT and its converter have no level.
"""

import contextlib
import importlib
import os
import pathlib
import subprocess
import sys
import warnings
from collections.abc import Iterator

LEVEL = "TF_CPP_MIN_LOG_LEVEL"  # 0 writes everything, 1 leaves out information, 2 warnings, 3 errors
NVIDIA_DEVICES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg")  # the last one in the Windows Subsystem for Linux
# A process of its own, so that the last words of a process that dies reach the screen.
FILTER = """
import sys
information = b"INFO: ", b"WARNING: All log messages before absl::InitializeLog()", b"fully_quantize: "
for line in sys.stdin.buffer:
    if not line.startswith(information) and not (line[:1] == b"I" and line[1:5].isdigit()):
        sys.stderr.buffer.write(line)
        sys.stderr.flush()
"""


def has_nvidia_gpu() -> bool:
    """Whether the system has an NVIDIA GPU, whether or not a library can use it."""
    return any(pathlib.Path(device).exists() for device in NVIDIA_DEVICES)


def set_defaults() -> None:
    """Chooses which messages of libraries appear; call it before any of them is imported.

    The environment variable `TF_CPP_MIN_LOG_LEVEL` and Python's option `-W` have precedence.
    """
    # Without a GPU, TensorFlow calls it an error that it finds none. Its other errors are Python's exceptions, too.
    os.environ.setdefault(LEVEL, "2" if has_nvidia_gpu() else "3")
    if not sys.warnoptions:
        warnings.simplefilter("ignore", FutureWarning)  # for the authors of libraries that call other libraries
    warnings.formatwarning = lambda message, *_: f"warning: {message}\n"


@contextlib.contextmanager
def without_information() -> Iterator[None]:
    """A context in which information that libraries write to standard error is left out."""
    if os.environ.get(LEVEL) == "0":
        yield
        return
    sys.stderr.flush()
    screen = os.dup(2)
    command = [sys.executable, "-I", "-S", "-c", FILTER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as reader:  # Ctrl-C spares it
        os.dup2(reader.stdin.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(screen, 2)
            os.close(screen)


def load(*names: str) -> None:
    """Imports libraries that a command needs, quietly.

    Args:
        names: of libraries, such as `"keras"`. Libraries that are missing are passed over; what needs them says so.
    """
    missing = [name for name in names if name not in sys.modules]
    if not missing:
        return
    with without_information(), contextlib.suppress(ModuleNotFoundError):
        for name in missing:
            importlib.import_module(name)


def warn_of_unused_gpu() -> None:
    """Warns if TensorFlow computes on the CPU of a machine with an NVIDIA GPU, unless the user hides the GPU.

    JAX warns of this itself.
    """
    if not has_nvidia_gpu() or os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return
    import keras

    from zoo.backend.devices import has_accelerator

    if keras.backend.backend() == "tensorflow" and not has_accelerator():
        warnings.warn(
            f"This machine has an NVIDIA GPU, but TensorFlow computes on the CPU. {LEVEL}=0 shows why.", stacklevel=1
        )
