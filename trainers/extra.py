"""What the optional parts of the programs need, asked for by name."""

import importlib.util

REPORT = {"jinja2": "Jinja2", "matplotlib": "Matplotlib", "scipy": "SciPy"}


def require_report(purpose):
    """Refuses to go on without the packages of the extra `report`.

    Args:
        purpose: what needs them, as the message should begin.

    Raises:
        ImportError: naming what is missing and how to install it.
    """
    missing = [title for module, title in REPORT.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise ImportError(
            f"{purpose} needs {', '.join(missing)}, not installed here: pip install 'regularized-zoo[report]'."
        )
