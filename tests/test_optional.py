"""Libraries that may be missing."""

import pytest

from zoo.optional import require


def test_what_is_installed_is_imported():
    assert require("json.decoder", "A test", "report").JSONDecoder


def test_what_is_missing_is_named_with_its_extra():
    with pytest.raises(ImportError, match=r"Moving inputs needs missing, which is not.*pip install '\.\[report\]'"):
        require("missing.part", "Moving inputs", "report")
