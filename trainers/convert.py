"""Converts a published model to an ONNX or LiteRT file, and compares the file with the SavedModel.

    python -m trainers.convert --model=mnist_mlp-vat --format=onnx
    python -m trainers.convert --model=mnist_mlp-vat --format=litert --output=phone/digits.tflite

The file takes raw inputs in float32, pixels from 0 to 255 or raw signals, and returns class probabilities, like the
signature `serve` of the SavedModel.
"""

from absl import app, flags, logging

from trainers.cli.program import main_of
from zoo import pretrained
from zoo.optional import require
from zoo.pretrained import conversion

MODEL = flags.DEFINE_string("model", None, "Name of a published model, or path of a SavedModel.", required=True)
FORMAT = flags.DEFINE_string("format", "onnx", f"Format of the file: {' or '.join(conversion.SUFFIXES)}.")
OUTPUT = flags.DEFINE_string("output", None, "File to write. Default: MODEL with the suffix of the format, here.")
SAVED_MODELS = flags.DEFINE_string("saved_models", None, "Folder of published models, if --model is a name.")


def convert() -> None:
    """Converts the model and prints the largest difference."""
    logging.set_verbosity(logging.WARNING)
    file_format = conversion.check_format(FORMAT.value)
    path = pretrained.find(MODEL.value, SAVED_MODELS.value).resolve()  # "." has no name
    model = pretrained.load(path)
    saved_model = require("tensorflow", "Reading a SavedModel").saved_model.load(str(path))
    output = OUTPUT.value or path.name + conversion.SUFFIXES[file_format]
    difference = conversion.convert(model, output, file_format, reference=saved_model.serve)
    print(f"{output}: raw inputs of shape {model.raw_input_shape} to class probabilities")
    print(f"  largest difference from the SavedModel: {difference:.1e}")


main = main_of(convert)

if __name__ == "__main__":
    app.run(main)
