"""The report of an analysis, with many and with too few models."""

import json

import keras
import pytest

from trainers.analysis.report import correlations, describe, write_report

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="does not depend on the backend")

MEASURES = {
    "jacobian_frobenius_squared": {"num_examples": 100},
    "local_distributional_smoothness": {"num_examples": 100, "epsilon": 0.5},
    "smoothness": {"num_examples": 100, "epsilon": 0.1},
    "calibration_error": {"num_examples": 200, "num_bins": 15},
    "generalization_gap": {"num_examples": 200},
}


def content(index, dataset="mnist", **attacks):
    errors = {"clean": {"error": 1.0 + index, "standard_error": 0.125, "settings": {"num_examples": 200}}}
    for name, error in attacks.items():
        settings = {"attack": name, "size": 0.25, "num_examples": 100}
        errors[name] = {"error": error, "standard_error": 0.5, "settings": settings}
    return {
        "model": f"model-{index}",
        "dataset": dataset,
        "num_examples": 200,
        "errors": errors,
        "measures": {
            name: {"value": float(index**2 + place), "standard_error": 0.25, "settings": settings}
            for place, (name, settings) in enumerate(MEASURES.items())
        },
    }


@pytest.fixture
def written(tmp_path):
    def write(*contents):
        for each in contents:
            (tmp_path / f"{each['model']}.json").write_text(json.dumps(each))
        write_report(tmp_path)
        return (tmp_path / "README.md").read_text()

    return write


def test_tables_have_a_row_per_model_and_a_section_per_data_set(written):
    text = written(content(0, sign=40.0), content(1), content(2, "synthetic", shift=3.0))
    assert "## mnist" in text and "## synthetic" in text
    assert "| `model-0` | 1 ± 0.1 | 40 ± 0.5 |" in text
    assert "| `model-1` | 2 ± 0.1 | – |" in text  # this model has no such error
    assert "`sign` 0.25 on 100 examples" in text and "`clean` on 200 examples" in text
    assert "15 bins" in text and "Means over 100 test examples" in text


def test_curves_have_a_column_per_size(written):
    curves = [content(0), content(1), content(2)]
    for each, sizes in zip(curves, ([0.0, 0.1], [0.0, 0.1, 0.2]), strict=False):
        entry = {"errors": [1.0 + size for size in sizes], "standard_errors": [0.5] * len(sizes)}
        each["curves"] = {"apgd_linf": {**entry, "settings": {"sizes": sizes, "num_examples": 40}}}
    text = written(*curves)
    assert "| model | 0 | 0.1 | 0.2 |" in text and "40 test examples" in text
    assert (
        "| `model-0` | 1 ± 0.5 | 1.1 ± 0.5 | – |" in text and "| `model-1` | 1 ± 0.5 | 1.1 ± 0.5 | 1.2 ± 0.5 |" in text
    )
    assert "against the size" not in written(content(3, "synthetic")).partition("## synthetic")[2]
    curves[0]["curves"]["apgd_linf"]["errors"].pop()
    with pytest.raises(ValueError, match=r"model-0.json lacks figures"):
        written(curves[0])


def test_too_few_models_have_no_correlations(written):
    text = written(content(0), content(1, "synthetic"), content(2, "synthetic"))
    assert "need at least 5 models; there is 1." in text and "there are 2." in text and "Spearman" not in text


def test_correlations_say_over_how_many_models(written):
    text = written(*(content(i, sign=50.0 - i) for i in range(6)), content(6))
    row = next(line for line in text.splitlines() if line.startswith("| smoothness | "))
    gap, clean, sign = (cell.strip() for cell in row.strip("|").split("|")[1:])
    assert gap.startswith("+1.00 (p ") and gap.endswith("n 7)")
    assert clean.startswith("+1.00") and sign.startswith("-1.00") and sign.endswith("n 6)")
    assert "12 here" in text  # four measures, three outcomes


def test_pairs_without_a_common_model():
    assert describe([None, {"value": 1.0}], [{"error": 1.0}, None]) == "– (n 0)"
    assert "there are 4" in correlations([content(i) for i in range(4)])


def test_no_models(written, tmp_path):
    assert "No model has been measured yet" in written()
    write_report(tmp_path / "new")
    assert (tmp_path / "new" / "README.md").exists()


def test_damaged_file(written, tmp_path):
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ValueError, match="broken.json is damaged"):
        written(content(0))
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(ValueError, match="broken.json holds no analysis of a model"):
        written(content(0))
