"""Markdown tables: every cell stays in its column."""

from trainers.results.markdown import table


def test_rows_have_the_cells_of_their_columns():
    assert table(["a", "b"], [["1", "2"], ["3", "4"]]) == "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n"
    assert table(["a"], []) == "| a |\n|---|\n"


def test_bars_and_line_breaks_do_not_end_a_cell():
    assert table(["x|y"], [["first\nsecond | third"]]).splitlines() == [
        "| x\\|y |",
        "|---|",
        "| first second \\| third |",
    ]
