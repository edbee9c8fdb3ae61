"""Writes a published model as an ONNX or a LiteRT file, and compares it with the SavedModel.

    python -m trainers.convert --model=mnist_mlp-vat --format=onnx
    python -m trainers.convert --model=mnist_mlp-vat --format=litert --output=phone/digits.tflite

The file takes raw inputs in float32, pixels from 0 to 255 or raw signals, and gives class probabilities, as the
signature `serve` of the SavedModel does.
"""

from absl import app, flags, logging

from trainers.cli.program import main_of
from zoo import pretrained
from zoo.pretrained import conversion

MODEL = flags.DEFINE_string("model", None, "Name of a published model, or the path of a SavedModel.", required=True)
FORMAT = flags.DEFINE_string("format", "onnx", f"Format of the file: {' or '.join(conversion.SUFFIXES)}.")
OUTPUT = flags.DEFINE_string("output", None, "The file; default: the model's name with the format's suffix, here.")
SAVED_MODELS = flags.DEFINE_string("saved_models", None, "Folder of published models, where a name is given.")


def convert():
    logging.set_verbosity(logging.WARNING)
    file_format = conversion.check_format(FORMAT.value)
    path = pretrained.find(MODEL.value, SAVED_MODELS.value).resolve()  # "." has no name
    model = pretrained.load(path)
    saved_model = pretrained.import_tensorflow("Reading a SavedModel").saved_model.load(str(path))
    output = OUTPUT.value or path.name + conversion.SUFFIXES[file_format]
    difference = conversion.convert(model, output, file_format, reference=saved_model.serve)
    print(f"{output}: raw inputs of shape {model.raw_input_shape} to class probabilities")
    print(f"  largest difference from the SavedModel: {difference:.1e}")


main = main_of(convert)

if __name__ == "__main__":
    app.run(main)
