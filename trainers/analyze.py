"""Looks inside published models: their errors under attack, their Jacobians, their calibration, and what predicts what.

    python -m trainers.analyze
    python -m trainers.analyze --model=mnist_mlp-vat,mnist_mlp-baseline --num_examples=500 --results=runs/analysis

Writes results/analysis/MODEL.json as soon as a model is measured, and README.md with all of them. What is there for the
same files and settings is not measured again.
"""

from absl import app, flags

from trainers.analysis.files import measure_models
from trainers.analysis.report import check_folder, write_report
from trainers.cli.program import main_of
from zoo import pretrained

MODEL = flags.DEFINE_list("model", [], "Names of published models, or paths of SavedModels; all of them by default.")
SAVED_MODELS = flags.DEFINE_string("saved_models", None, "Folder of published models.")
RESULTS = flags.DEFINE_string("results", "results/analysis", "Folder of the figures.")
NUM_EXAMPLES = flags.DEFINE_integer(
    "num_examples",
    None,
    "Examples from the beginning of the test set; by default all, and 1000 for iterated attacks and gradients.",
    lower_bound=2,
)


def analyze():
    """Measures the models and writes the text; returns what went wrong, one line for each model."""
    check_folder(RESULTS.value)
    if not MODEL.value and not pretrained.list_models(SAVED_MODELS.value):
        folder = SAVED_MODELS.value or pretrained.default_directory()
        print(f"No models in {folder}: train one with python -m trainers.train --saved_models={folder}.")
    failed = measure_models(MODEL.value, SAVED_MODELS.value, RESULTS.value, NUM_EXAMPLES.value)
    write_report(RESULTS.value)
    return "\n".join(f"error: {message}" for message in failed)


main = main_of(analyze)

if __name__ == "__main__":
    app.run(main)
