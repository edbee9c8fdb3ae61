"""Imports of the recipes and tables, which are plain data, without Keras."""

import contextlib
import importlib.util
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def without_keras() -> Iterator[None]:
    """A context in which `zoo.recipes` and `trainers.results` can be imported in a fraction of a second.

    `import zoo.recipes` first runs `zoo/__init__.py`, which imports Keras and its backend and takes seconds. In the
    context that file does not run. When the context ends, Python forgets what was imported in it, so a later
    `import zoo` runs as usual. Keep names and texts from these imports, but no objects of their classes.

    If `zoo` is imported already, the context does nothing.
    """
    if "zoo" in sys.modules:
        yield
        return
    before = set(sys.modules)
    spec = importlib.util.find_spec("zoo")
    sys.modules["zoo"] = importlib.util.module_from_spec(spec)
    try:
        yield
    finally:
        for name in set(sys.modules) - before:
            if name.partition(".")[0] in ("zoo", "trainers"):
                del sys.modules[name]
