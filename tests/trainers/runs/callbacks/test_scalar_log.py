"""TensorBoard's scalars of a run on JAX, written without TensorFlow."""

import subprocess
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

WRITE = """
import sys
from trainers.runs.callbacks.scalar_log import ScalarLog
log = ScalarLog(sys.argv[1])
log.on_train_begin()
log.on_epoch_end(0, {"loss": 2.0})
log.on_epoch_end(1, {"loss": 0.5})
log.on_train_end()
print("tensorflow" in sys.modules)
"""


def test_a_run_on_jax_logs_without_tensorflow(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    done = subprocess.run([sys.executable, "-c", WRITE, str(tmp_path)], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
    written = EventAccumulator(str(tmp_path)).Reload()
    assert [(event.step, event.tensor_proto.float_val[0]) for event in written.Tensors("epoch/loss")] == [
        (0, 2.0),
        (1, 0.5),
    ]
