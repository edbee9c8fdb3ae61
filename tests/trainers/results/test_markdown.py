"""Markdown tables: every cell stays in its column."""

from trainers.results.markdown import as_size, table


def test_rows_have_the_cells_of_their_columns():
    assert table(["a", "b"], [["1", "2"], ["3", "4"]]) == "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n"
    assert table(["a"], []) == "| a |\n|---|\n"


def test_bars_and_line_breaks_do_not_end_a_cell():
    assert table(["x|y"], [["first\nsecond | third"]]).splitlines() == [
        "| x\\|y |",
        "|---|",
        "| first second \\| third |",
    ]


def test_sizes_of_attacks_that_are_steps_of_a_byte():
    assert [as_size(size) for size in (0.0, 0.1, 0.2, 0.3, 0.25)] == ["0", "0.1", "0.2", "0.3", "0.25"]
    assert [as_size(size) for size in (0.5 / 255, 2 / 255, 8 / 255)] == ["0.5/255", "2/255", "8/255"]
    assert as_size(1 / 3) == "85/255" and as_size(0.123456) == "0.123"
