"""Measures published models: errors under attack, Jacobians, calibration, and what predicts what.

    python -m trainers.analyze
    python -m trainers.analyze --model=mnist_mlp-vat,mnist_mlp-baseline --num_examples=500 --analysis=runs/analysis

The command writes `ANALYSIS/MODEL.json` as soon as a model is measured, and then `README.md` about all models.
It skips a model if its file holds the figures for the same model and settings.
"""

from absl import flags

from trainers.cli import program, quiet, words
from trainers.cli.output import figures

MODEL = flags.DEFINE_list("model", [], f"{words.MODEL} Several with commas between. Default: all models.")
SAVED_MODELS = flags.DEFINE_string("saved_models", None, words.SAVED_MODELS)
ANALYSIS = flags.DEFINE_string("analysis", "results/analysis", words.ANALYSIS)
NUM_EXAMPLES = flags.DEFINE_integer(
    "num_examples",
    None,
    f"{words.NUM_EXAMPLES} Default: 1000 for iterated attacks and gradients, all for the rest.",
    lower_bound=2,
)
JSON = flags.DEFINE_bool("json", False, words.JSON)

SECTIONS = {
    "What to measure": [MODEL, SAVED_MODELS, NUM_EXAMPLES],
    "Files": [ANALYSIS],
    "What to show": [JSON],
}


def analyze() -> str:
    """Measures the models and writes the report.

    Returns:
        A line for each model that could not be measured.
    """
    quiet.load("keras", "tensorflow")
    from trainers.analysis.files import measure_models
    from trainers.analysis.report import HEADER, write_report
    from trainers.results.files import check_folder
    from zoo import pretrained

    check_folder(ANALYSIS.value, HEADER)
    folder = SAVED_MODELS.value or pretrained.default_directory()
    with figures(JSON.value) as give:
        if not MODEL.value and not pretrained.list_models(folder):
            print(f"{folder} holds no models. Train one: python -m trainers.train --saved_models={folder}")
        names, failed = measure_models(MODEL.value, SAVED_MODELS.value, ANALYSIS.value, NUM_EXAMPLES.value)
        found = write_report(ANALYSIS.value)
        content = {"models": {name: found[name] for name in names}, "failed": failed}
        give(f"Figures of {len(names)} models: {ANALYSIS.value}/README.md", content)
    return "\n".join(f"error: {message}" for message in failed)


main = program.main_of(analyze)

if __name__ == "__main__":
    program.run(main, SECTIONS)
