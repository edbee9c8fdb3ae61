"""Tables in Markdown."""

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


def _line(cells):
    return f"| {' | '.join(_escaped(cell) for cell in cells)} |\n"


def _escaped(cell):
    return cell.replace("|", "\\|").replace("\n", " ")
