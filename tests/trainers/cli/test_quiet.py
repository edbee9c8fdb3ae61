"""Messages of libraries: information is left out, errors reach the user, also those of a process that dies."""

import os
import subprocess
import sys

import pytest

from trainers.cli import quiet

WRITTEN = (
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    b"I0000 00:00:17 22554 port.cc:153] oneDNN custom operations are on.\n"
    b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"
    b"fully_quantize: 0, inference_type: 6, input_inference_type: FLOAT32\n"
    b"E0000 00:00:17 22554 cuda_platform.cc:52] failed call to cuInit\n"
    b"I wrote this myself\n"
)
SHOWN = "E0000 00:00:17 22554 cuda_platform.cc:52] failed call to cuInit\nI wrote this myself\n"
PROGRAM = """
import os
from trainers.cli.quiet import without_information
with without_information():
    os.write(2, {written!r})
    {inside}
os.write(2, b"I0000 after it\\n")
"""


def standard_error(inside, **environment):
    """What a process shows that writes in the context."""
    environment = {**os.environ, **environment}
    program = PROGRAM.format(written=WRITTEN, inside=inside)
    return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True).stderr


def test_information_is_left_out_while_a_library_loads():
    assert standard_error("pass", TF_CPP_MIN_LOG_LEVEL="3") == SHOWN + "I0000 after it\n"


def test_a_user_who_asks_for_information_gets_it():
    assert standard_error("pass", TF_CPP_MIN_LOG_LEVEL="0") == WRITTEN.decode() + "I0000 after it\n"


def test_the_last_words_of_a_process_reach_the_user():
    assert standard_error("os.abort()", TF_CPP_MIN_LOG_LEVEL="3") == SHOWN
    assert standard_error("raise SystemExit('no such library')", TF_CPP_MIN_LOG_LEVEL="3").endswith("no such library\n")


@pytest.mark.parametrize("device, level", [(os.devnull, "2"), ("/nowhere", "3")])
def test_errors_of_tensorflow_show_where_there_is_a_gpu(monkeypatch, device, level):
    monkeypatch.setattr(quiet, "NVIDIA_DEVICES", (device,))
    monkeypatch.delenv(quiet.LEVEL, raising=False)
    quiet.set_defaults()
    assert os.environ[quiet.LEVEL] == level
    monkeypatch.setenv(quiet.LEVEL, "1")
    quiet.set_defaults()
    assert os.environ[quiet.LEVEL] == "1"


@pytest.mark.parametrize(
    "device, hidden, warns", [(os.devnull, None, True), (os.devnull, "-1", False), ("/nowhere", None, False)]
)
def test_a_gpu_that_is_not_used_is_told(monkeypatch, recwarn, device, hidden, warns):
    monkeypatch.setattr(quiet, "NVIDIA_DEVICES", (device,))
    monkeypatch.setattr("zoo.backend.devices.has_accelerator", lambda: False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if hidden:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    quiet.warn_of_unused_gpu()
    assert ["has an NVIDIA GPU" in str(told.message) for told in recwarn] == [True] * warns
    monkeypatch.setattr("zoo.backend.devices.has_accelerator", lambda: True)
    quiet.warn_of_unused_gpu()
    assert len(recwarn) == warns


def test_missing_libraries_are_passed_over():
    quiet.load("no_such_library")
    quiet.load("json", "colorsys")
    assert "colorsys" in sys.modules
