"""Checks of folders before long work begins."""

import pytest

from trainers.analysis.report import HEADER as ANALYSIS
from trainers.results.files import check_folder
from trainers.results.publishing import INDEX
from trainers.results.store import HEADER as RESULTS


@pytest.mark.parametrize("text", [RESULTS, INDEX, ANALYSIS])
def test_an_earlier_version_of_the_same_text_is_ours_and_others_are_not(tmp_path, text):
    folder = tmp_path / "new"
    check_folder(folder, text)
    (folder / "README.md").write_text(text.splitlines()[0] + "\nan earlier version\n")
    check_folder(folder, text)
    (folder / "README.md").write_text("# My project\n")
    with pytest.raises(ValueError, match="README.md is not what is generated there"):
        check_folder(folder, text)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file/results.*cannot be written"):
        check_folder(tmp_path / "file" / "results", RESULTS)
