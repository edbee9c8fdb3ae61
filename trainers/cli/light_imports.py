"""Imports of the recipes and tables, which are plain data, without Keras."""

import contextlib
import importlib.util
import sys
from collections.abc import Iterator

HEAVY = ("zoo", "zoo.pretrained")  # packages whose `__init__.py` imports Keras


@contextlib.contextmanager
def without_keras() -> Iterator[None]:
    """A context in which recipes, results and names of models can be imported in a fraction of a second.

    `import zoo.recipes` first runs `zoo/__init__.py`, which imports Keras and its backend and takes seconds. In the
    context that file does not run. When the context ends, Python forgets what was imported in it, so a later
    `import zoo` runs as usual. Keep names and texts from these imports, but no objects of their classes.

    If `zoo` is imported already, the context does nothing.
    """
    if "zoo" in sys.modules:
        yield
        return
    before = set(sys.modules)
    for package in HEAVY:
        sys.modules[package] = importlib.util.module_from_spec(importlib.util.find_spec(package))
    try:
        yield
    finally:
        for name in set(sys.modules) - before:
            if name.partition(".")[0] in ("zoo", "trainers"):
                del sys.modules[name]
