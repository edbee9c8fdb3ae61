"""Which optional libraries are installed; `zoo.optional.require` imports one that is needed."""

import importlib.util


def is_installed(module: str) -> bool:
    """Whether a library can be imported; this does not import it.

    Args:
        module: name of the top-level module, such as `"scipy"`.
    """
    return importlib.util.find_spec(module) is not None
