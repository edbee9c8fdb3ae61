"""The words for flags that several commands have. A command may add a sentence of its own."""

RECIPE = "Name of the recipe; `python -m trainers.train --list` shows all."
OVERRIDE = (
    "FIELD=VALUE: a field of the recipe and its value as JSON or text, such as learning_rate=0.01 or "
    "regularizers.vat.epsilon=1.5; or a JSON file of fields and values, such as the best.json of trainers.tune. May be "
    "repeated."
)
EPOCHS = "Epochs of each training. Default: those of the recipe."
SEEDS = "Number of seeds"
MINUTES = "Time budget in minutes; when it ends, training stops after a checkpoint, and the same command resumes it."
MODEL = "Name of a published model, or path of a SavedModel."
NUM_EXAMPLES = "Use the first NUM_EXAMPLES examples of the split."
TABLE = "Published tables with these names"
SAVED_MODELS = "Folder of published models."
RESULTS = "Folder of the figures."
OUTPUT = "File to write."
WORKDIR = "Folder of checkpoints and logs."
JSON = "Print the figures as one JSON object on standard output, and everything else on standard error."
