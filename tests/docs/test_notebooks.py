"""The notebooks run, each as one program at a small size, and their stored outputs are fit to show.

The cells run in the process of the test: a kernel for each notebook would import TensorFlow anew.
"""

import base64
import os
import pathlib
import re

import matplotlib
import nbformat
import pytest

from tests.support.documents import NOTEBOOKS, markdown_of, read_notebook

SMALL = {
    "attack-and-repair": {"NUM_TRAIN": 200, "NUM_ATTACKED": 10, "EPOCHS": 1},
    "few-labels": {"NUM_LABELS": 20, "NUM_UNLABELED": 100, "WIDTHS": (16,), "EPOCHS": 1},
    "first-steps": {"EPOCHS": 1},
}
MNIST = pathlib.Path(os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")).expanduser() / "mnist"
MAX_PICTURE = 60_000  # bytes
UNFIT = re.compile(r"(?<![\w.])/\w+/|\b[A-Z]:\\|Traceback|Warning:|\bWARNING\b")


def each_notebook(function):
    return pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)(function)


def run(path, parameters):
    """Runs the code cells of a notebook in one namespace, with other values of what its cell `parameters` sets."""
    namespace = {"__name__": path.stem}
    for number, cell in enumerate(read_notebook(path).cells):
        if cell.cell_type == "code":
            exec(compile(cell.source, f"{path.name}, cell {number}", "exec"), namespace)
            if "parameters" in cell.metadata.get("tags", ()):
                assert parameters.keys() <= namespace.keys()
                namespace.update(parameters)
    return namespace


def faults(notebook):
    """What is wrong with the stored outputs of a notebook."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    found = [] if [cell.execution_count for cell in code] == list(range(1, len(code) + 1)) else ["not run in order"]
    for cell in code:
        data = [output.get("data", {}) for output in cell.outputs]
        pictures = [base64.b64decode(each["image/png"]) for each in data if "image/png" in each]
        texts = [output.get("text", "") for output in cell.outputs] + [each.get("text/plain", "") for each in data]
        kinds = {output.get("name", output.output_type) for output in cell.outputs}
        found += [f"output {kind}" for kind in sorted(kinds - {"stdout", "display_data"})]
        found += [f"text {text!r}" for text in texts if UNFIT.search(text)]
        found += [f"picture of {len(each)} bytes" for each in pictures if len(each) > MAX_PICTURE]
        found += ["picture without a description"] if bool(pictures) != ("alt" in cell.metadata) else []
    return found


def test_every_notebook_has_a_small_size():
    assert [path.stem for path in NOTEBOOKS] == sorted(SMALL)


# A notebook masks gradients on purpose. Whether so small a network has any that are zero depends on rounding.
@pytest.mark.filterwarnings("default:The gradient is zero:RuntimeWarning")
@each_notebook
def test_code_runs(path, tmp_path, monkeypatch):
    if any('load("mnist")' in cell.source for cell in read_notebook(path).cells) and not MNIST.is_dir():
        pytest.skip("MNIST is not prepared in TFDS_DATA_DIR")
    # XLA would take seconds to compile what runs in milliseconds.
    monkeypatch.setattr("zoo.training.execution_plan._choose_jit_compile", lambda seen: False)
    monkeypatch.chdir(tmp_path)
    with matplotlib.rc_context({"backend": "agg"}):
        namespace = run(path, SMALL[path.stem])
        matplotlib.pyplot.close("all")
    assert {name: namespace[name] for name in SMALL[path.stem]} == SMALL[path.stem]
    assert not any(tmp_path.iterdir())


def test_a_failing_cell_fails_with_its_number(tmp_path):
    path = tmp_path / "wrong.ipynb"
    cells = [nbformat.v4.new_markdown_cell("# Wrong"), nbformat.v4.new_code_cell("x = 1\nassert x == 2")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    with pytest.raises(AssertionError) as caught:
        run(path, {})
    assert caught.traceback[-1].path == "wrong.ipynb, cell 1" and caught.traceback[-1].lineno + 1 == 2


@each_notebook
def test_stored_outputs_are_fit_to_show(path):
    assert not faults(read_notebook(path))


def test_unfit_outputs_are_noticed():
    new_output, new_code_cell = nbformat.v4.new_output, nbformat.v4.new_code_cell
    picture = base64.b64encode(bytes(MAX_PICTURE + 1)).decode()
    cells = [
        new_code_cell(execution_count=1, outputs=[new_output("stream", name="stderr", text="I0000 oneDNN")]),
        new_code_cell(execution_count=3, outputs=[new_output("stream", text="saved to /home/someone/model")]),
        new_code_cell(execution_count=2, outputs=[new_output("display_data", data={"image/png": picture})]),
        new_code_cell(execution_count=4, outputs=[new_output("error", ename="E", evalue="", traceback=[])]),
    ]
    assert faults(nbformat.v4.new_notebook(cells=cells)) == [
        "not run in order",
        "output stderr",
        "text 'saved to /home/someone/model'",
        f"picture of {MAX_PICTURE + 1} bytes",
        "picture without a description",
        "output error",
    ]


@each_notebook
def test_no_figure_is_written_into_the_text(path):
    """A figure in the text could disagree with what the cells print."""
    prose = re.sub(r"`[^`]*`|\]\([^)]*\)", "", markdown_of(path))
    assert not re.findall(r"[^\n]*\d[^\n]*", prose)
