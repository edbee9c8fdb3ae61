"""Libraries that only some parts of the zoo need."""

import importlib


def require(module, purpose, extra):
    """Imports a library of an extra.

    Args:
        module: its name, such as `"scipy.ndimage"`.
        purpose: what needs it, as the beginning of a sentence.
        extra: the extra that brings it.

    Raises:
        ImportError: it is not installed; the message says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(f"{purpose} needs {package}, which is not installed: pip install '.[{extra}]'.") from error
