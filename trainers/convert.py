"""Converts a published model to an ONNX or LiteRT file, and compares the file with the SavedModel.

    python -m trainers.convert --model=mnist_mlp-vat --format=onnx
    python -m trainers.convert --model=mnist_mlp-vat --format=litert --output=phone/digits.tflite
    python -m trainers.convert --model=mnist_mlp-vat --format=litert --batch_size=1 --quantize=int8

The file takes raw inputs in float32, pixels from 0 to 255 or raw signals, and returns class probabilities, like the
signature `serve` of the SavedModel. A quantized file has weights and activations in int8. The command calibrates it on
training inputs and prints its test error next to that of the SavedModel.
"""

import pathlib
from typing import Any

from absl import flags

from trainers.cli import program, quiet, words
from trainers.cli.choices import allow
from trainers.cli.output import figures
from trainers.runs.progress import counted

FORMATS = ["litert", "onnx"]
NUM_CALIBRATION = 500  # training inputs

MODEL = flags.DEFINE_string("model", None, f"{words.MODEL} Required.", required=True)
FORMAT = flags.DEFINE_string("format", "onnx", f"Format of the file: {' or '.join(FORMATS)}.")
OUTPUT = flags.DEFINE_string("output", None, f"{words.OUTPUT} Default: MODEL with the suffix of the format, here.")
BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", None, "Number of inputs that the file takes at a time. Default: any number.", lower_bound=1
)
QUANTIZE = flags.DEFINE_enum(
    "quantize", "none", ["none", "int8"], "Type of weights and activations. int8 needs litert and a batch size of 1."
)
DATASET = flags.DEFINE_string("dataset", None, words.DATASET)
SAVED_MODELS = flags.DEFINE_string("saved_models", None, words.SAVED_MODELS)
JSON = flags.DEFINE_bool("json", False, words.JSON)
allow(FORMAT, "format", FORMATS)

SECTIONS = {
    "What to convert": [MODEL, SAVED_MODELS],
    "File": [FORMAT, OUTPUT, BATCH_SIZE, QUANTIZE],
    "Calibration and test of a quantized file": [DATASET],
    "What to show": [JSON],
}


def check_usage() -> str:
    """Checks what the flags cannot check one by one.

    Returns:
        The format of the file.

    Raises:
        UsageError: flags exclude each other.
    """
    from zoo.pretrained import conversion

    with program.usage():
        file_format = conversion.check_format(FORMAT.value)
        if OUTPUT.value:
            conversion.check_suffix(OUTPUT.value, file_format)
        if QUANTIZE.value == "int8" and (file_format, BATCH_SIZE.value) != ("litert", 1):
            raise ValueError(
                "--quantize=int8 needs --format=litert --batch_size=1, received "
                f"--format={file_format} --batch_size={BATCH_SIZE.value}."
            )
        if DATASET.present and QUANTIZE.value != "int8":
            raise ValueError(f"--dataset={DATASET.value} needs --quantize=int8, which it calibrates.")
    return file_format


def write(file_format: str) -> tuple[str, dict[str, Any]]:
    """Writes the file and measures it.

    Args:
        file_format: of the file.

    Returns:
        What was written and measured, as text and as JSON values.
    """
    from trainers.runs.data import load_own_data
    from trainers.runs.serving import open_predictions
    from zoo import pretrained
    from zoo.pretrained import conversion

    path = pretrained.find(MODEL.value, SAVED_MODELS.value).resolve()  # "." has no name
    data = load_own_data(pretrained.verify(path), DATASET.value) if QUANTIZE.value == "int8" else None
    model, reference = pretrained.load(path), open_predictions(MODEL.value, path)
    output = pathlib.Path(OUTPUT.value or path.name + conversion.SUFFIXES[file_format])
    inputs = data.x_train[:NUM_CALIBRATION] if data else None
    calibrated = f", calibrated on {len(inputs)} training inputs" if data else ""
    print(f"Converting {path.name} to {file_format}{calibrated}.", flush=True)
    with quiet.without_information():
        difference = conversion.convert(
            model, output, file_format, reference=reference, batch_size=BATCH_SIZE.value, calibration=inputs
        )
    facts = {
        "model": path.name,
        "format": file_format,
        "quantize": QUANTIZE.value,
        "file": str(output),
        "bytes": output.stat().st_size,
        "input_shape": model.raw_input_shape,
        "batch_size": BATCH_SIZE.value,
        "largest_difference": difference,
        "errors": errors(output, reference, data) if data else None,
    }
    return describe(facts), facts


def errors(output: pathlib.Path, reference: Any, data: Any) -> dict[str, float]:
    """The test errors in percent of a LiteRT file that takes one input at a time, and of the SavedModel."""
    from zoo import pretrained
    from zoo.pretrained import runtimes

    with quiet.without_information():
        run = runtimes.in_batches(runtimes.open_litert(output), 1)
    found = {}
    for name, predict in {"file": run, "saved_model": reference}.items():
        with counted(predict, len(data.x_test)) as shown:
            found[name] = pretrained.error_percent(shown, data.x_test, data.y_test)
    return found


def describe(facts: dict[str, Any]) -> str:
    """The lines about a file."""
    number = f"{facts['batch_size']} at a time" if facts["batch_size"] else "any number at a time"
    lines = [
        f"{facts['file']}: {facts['bytes'] / 2**20:.2f} MiB",
        f"  from raw inputs of shape {tuple(facts['input_shape'])}, {number}, to class probabilities",
        f"  largest difference from the SavedModel: {facts['largest_difference']:.1e}",
    ]
    if found := facts["errors"]:
        lines.append(f"  test error {found['file']:.2f} %, that of the SavedModel {found['saved_model']:.2f} %")
    return "\n".join(lines)


def convert() -> None:
    """Converts the model; prints the largest difference, and the test errors of a quantized file."""
    quiet.load("keras", "tensorflow")
    file_format = check_usage()
    with figures(JSON.value) as give:
        give(*write(file_format))


main = program.main_of(convert)

if __name__ == "__main__":
    program.run(main, SECTIONS)
