"""TensorBoard's event files without TensorFlow."""

import sys
import types

SWITCH = "tensorboard.compat.notf"  # with a module of this name, TensorBoard opens files itself


def spare_tensorflow() -> None:
    """Keeps TensorBoard's writers from importing TensorFlow, which takes seconds; call it before opening one."""
    if "tensorflow" not in sys.modules:
        sys.modules.setdefault(SWITCH, types.ModuleType(SWITCH))
