"""Publishes a model on the Hugging Face Hub, with a model card in Markdown.

    python -m trainers.publish --model=mnist_mlp-vat
    python -m trainers.publish --model=mnist_mlp-vat --to=hf://user/mnist_mlp-vat --license=apache-2.0
    python -m trainers.publish --index

The first command only prints the model card. The second one uploads; log in first by `hf auth login`, or set HF_TOKEN.
Afterwards `zoo.load("hf://user/mnist_mlp-vat")` loads the model on every machine. The third one is for maintainers: it
copies the robust errors from the analysis to the cards, and writes the index of the models that `zoo.load` downloads by
name.
"""

import json
import pathlib
import sys
from typing import Any

from absl import flags

from trainers.cli import program, quiet, words
from trainers.cli.light_imports import without_keras

MODEL = flags.DEFINE_string("model", None, words.MODEL)
TO = flags.DEFINE_string("to", None, "Address to upload to, hf://user/name. Default: print the model card instead.")
LICENSE = flags.DEFINE_string(
    "license", None, "License of the weights, by its name on the Hub, such as apache-2.0. Default: the card names none."
)
PRIVATE = flags.DEFINE_bool("private", False, "Make a new repository private.")
ANALYSIS = flags.DEFINE_string(
    "analysis", "results/analysis", f"{words.ANALYSIS} Cards show the errors under attack from it."
)
SAVED_MODELS = flags.DEFINE_string("saved_models", None, words.SAVED_MODELS)
INDEX = flags.DEFINE_bool(
    "index",
    False,
    "Write the index of the models in --saved_models, and copy robust errors from --analysis to their cards.",
)
BASE = flags.DEFINE_string(
    "base", None, "With --index, the address of the folder. Default: the repository at the tag of this version."
)

SECTIONS = {
    "What to publish": [MODEL, SAVED_MODELS],
    "Where and how": [TO, LICENSE, PRIVATE, ANALYSIS],
    "Index": [INDEX, BASE],
}


def read_analysis(card: dict[str, Any]) -> dict[str, Any] | None:
    """The errors under attack of this very model, or None.

    Raises:
        ValueError: the file is damaged.
    """
    from zoo.pretrained.card import model_sum

    file = pathlib.Path(ANALYSIS.value) / f"{card['name']}.json"
    try:
        content = json.loads(file.read_text()) if file.is_file() else None
        if content and content["sha256"] == model_sum(card):
            return content
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{file} is damaged ({error!r}). Run trainers.analyze again.") from error
    reason = "is that of another model" if content else "is missing"
    print(f"The model card has no errors under attack: the analysis {file} {reason}.", file=sys.stderr)
    return None


def check_usage() -> None:
    """Checks the flags, before anything that takes seconds to load.

    Raises:
        UsageError: a flag is missing, has another form, or does nothing next to the others.
    """
    if MODEL.value is None and not INDEX.value:
        raise program.UsageError("Choose a model with --model, or write the index with --index.")
    for flag, other in ((BASE, INDEX), (PRIVATE, TO), (LICENSE, MODEL)):
        if flag.value and not other.value:
            raise program.UsageError(f"--{flag.name} needs --{other.name}.")
    for flag in (MODEL, TO):
        if INDEX.value and flag.value is not None:
            raise program.UsageError(f"--index covers every model in the folder. Leave out --{flag.name}.")
    if TO.value is not None:
        with without_keras(), program.usage():
            from zoo.pretrained.downloading import check_upload_address

            check_upload_address(TO.value)


def write_index(folder: str | pathlib.Path) -> None:
    """Copies robust errors to the cards of a folder, and writes the index of its models."""
    from trainers.analysis.report import read_analyses
    from trainers.results.publishing import add_robust_errors, write_download_index

    print(f"New robust errors on cards: {add_robust_errors(folder, read_analyses(ANALYSIS.value))}")
    print(f"{write_download_index(folder, BASE.value)} models of {folder} are in the index")


def publish() -> None:
    """Uploads the model, prints its card, or writes the index."""
    check_usage()
    quiet.load("keras")
    from trainers.page import commands
    from zoo import pretrained

    if MODEL.value is None:  # so --index
        write_index(SAVED_MODELS.value or pretrained.default_directory())
        return
    path = pretrained.find(MODEL.value, SAVED_MODELS.value)
    card = pretrained.verify(path)
    about = {"command": commands.of_training(card), "analysis": read_analysis(card), "weights_license": LICENSE.value}
    if TO.value is None:
        print(pretrained.readme(card, f"hf://USER/{card['name']}", **about))
        return
    print(f"{card['name']}: {pretrained.upload(path, TO.value, private=PRIVATE.value, **about)}")
    print(f'  zoo.load("{TO.value}")')


main = program.main_of(publish)

if __name__ == "__main__":
    program.run(main, SECTIONS)
