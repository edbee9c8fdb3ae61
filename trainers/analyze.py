"""Measures published models: errors under attack, Jacobians, calibration, and what predicts what.

    python -m trainers.analyze
    python -m trainers.analyze --model=mnist_mlp-vat,mnist_mlp-baseline --num_examples=500 --results=runs/analysis

The command writes `results/analysis/MODEL.json` as soon as a model is measured, and then `README.md` about all models.
It skips a model if its file holds the figures for the same model and settings.
"""

from absl import app, flags

from trainers.analysis.files import measure_models
from trainers.analysis.report import HEADER, write_report
from trainers.cli.program import main_of
from trainers.results.folder import check_folder
from zoo import pretrained

MODEL = flags.DEFINE_list("model", [], "Names of published models, or paths of SavedModels. Default: all models.")
SAVED_MODELS = flags.DEFINE_string("saved_models", None, "Folder of published models.")
RESULTS = flags.DEFINE_string("results", "results/analysis", "Folder of the figures.")
NUM_EXAMPLES = flags.DEFINE_integer(
    "num_examples",
    None,
    "Use the first NUM_EXAMPLES test examples. Default: 1000 for iterated attacks and gradients, all for the rest.",
    lower_bound=2,
)


def analyze() -> str:
    """Measures the models and writes the report.

    Returns:
        A line for each model that could not be measured.
    """
    check_folder(RESULTS.value, HEADER)
    folder = SAVED_MODELS.value or pretrained.default_directory()
    if not MODEL.value and not pretrained.list_models(folder):
        print(f"{folder} holds no models. Train one: python -m trainers.train --saved_models={folder}")
    failed = measure_models(MODEL.value, SAVED_MODELS.value, RESULTS.value, NUM_EXAMPLES.value)
    write_report(RESULTS.value)
    return "\n".join(f"error: {message}" for message in failed)


main = main_of(analyze)

if __name__ == "__main__":
    app.run(main)
