"""Tables in Markdown."""

import math
from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""Formats a table; escapes `|` and replaces line breaks by spaces.

    Args:
        columns: headings.
        rows: cells, as many per row as there are columns.

    Returns:
        Lines that end with a line break each.

    Example:
        >>> print(table(["name", "error"], [["a|b", "0.90"]]), end="")
        | name | error |
        |---|---|
        | a\|b | 0.90 |
    """
    return _line(columns) + "|---" * len(columns) + "|\n" + "".join(_line(row) for row in rows)


def as_size(epsilon: float) -> str:
    """Formats the size of an attack on pixels from 0 to 1.

    Args:
        epsilon: the size. Where three digits do not give it, it is told in steps of a byte.

    Example:
        >>> as_size(0.3), as_size(8 / 255)
        ('0.3', '8/255')
    """
    rounded, steps = f"{epsilon:.3g}", f"{255 * epsilon:.4g}"
    in_steps = not math.isclose(float(rounded), epsilon) and math.isclose(float(steps), 255 * epsilon)
    return f"{steps}/255" if in_steps else rounded


def _line(cells):
    return f"| {' | '.join(_escaped(cell) for cell in cells)} |\n"


def _escaped(cell):
    return cell.replace("|", "\\|").replace("\n", " ")
