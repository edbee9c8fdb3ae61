"""Libraries that only some parts of the zoo need."""

import importlib
import importlib.util
import types


def require(module: str, purpose: str, extra: str | None = None) -> types.ModuleType:
    """Imports a library, or says how to install it.

    Args:
        module: name of the module, such as `"scipy.ndimage"`.
        purpose: what needs the library, as the beginning of a sentence.
        extra: the extra of this project that installs it. With None, the message names the package itself.

    Returns:
        The module.

    Raises:
        ImportError: the library is not installed.

    Example:
        >>> from zoo.optional import require
        >>> require("json.decoder", "Reading a card").JSONDecoder().decode("[1, 2]")
        [1, 2]
        >>> require("no_such_library", "Reading a card")
        Traceback (most recent call last):
        ImportError: Reading a card needs no_such_library, which is not installed: pip install no_such_library.
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != package:  # the library is there, but something that it needs is not
            raise
        target = f"'.[{extra}]'" if extra else package
        raise ImportError(f"{purpose} needs {package}, which is not installed: pip install {target}.") from error


def is_installed(module: str) -> bool:
    """Whether a library is installed. Does not import it.

    Args:
        module: name of the module, such as `"matplotlib"`.

    Example:
        >>> from zoo.optional import is_installed
        >>> is_installed("json"), is_installed("no_such_library")
        (True, False)
    """
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of a dotted name, the parent is missing
        return False
