"""The pictures of results that the page draws: which there are, and their progress."""

import sys

from tests.support.terminal import Terminal
from trainers.page.drawing import drawn_pictures
from trainers.pictures.from_results import OF_TABLE, OF_ZOO
from trainers.results.method_table import MethodTable
from trainers.results.store import read_results


def test_each_table_with_results_has_its_pictures(folders):
    command = "python -m trainers.draw --names=worst_movements --table=synthetic"
    results = read_results(folders.results)
    places = ({"results": "results"}, ""), ({"results": "a b", "analysis": "x"}, " --results='a b' --analysis=x")
    for given, expected in (*((given, command + flags) for given, flags in places), (None, "")):
        pictures = drawn_pictures(results, folders=given)
        assert {key for _, key in pictures} == {"synthetic", "ladder"}
        assert pictures["worst_movements", "synthetic"]["command"] == expected


def test_a_bar_counts_the_pictures(folders, monkeypatch):
    results = read_results(folders.results)
    monkeypatch.setattr(sys, "stderr", Terminal())
    pictures = drawn_pictures(results, MethodTable(results, {}, {}))
    shown = sys.stderr.getvalue()
    assert ("errors_by_labels", None) in pictures
    assert ("accuracy_by_epsilon", None) not in pictures  # there is no analysis, but the bar counts the attempt
    total = 2 * len(OF_TABLE) + len(OF_ZOO)
    assert f"0/{total}" in shown and f"{total}/{total}" in shown
