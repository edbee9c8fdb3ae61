"""Publishes a model on the Hugging Face Hub, with a model card in Markdown.

    python -m trainers.publish --model=mnist_mlp-vat
    python -m trainers.publish --model=mnist_mlp-vat --to=hf://user/mnist_mlp-vat --license=apache-2.0
    python -m trainers.publish --index

The first command only prints the model card. The second one uploads; log in first by `hf auth login`, or set HF_TOKEN.
Afterwards `zoo.load("hf://user/mnist_mlp-vat")` loads the model on every machine. The third one is for maintainers: it
writes the index of the models that `zoo.load` downloads by name.
"""

import json
import pathlib
from typing import Any

from absl import flags

from trainers.cli import program, quiet, words

MODEL = flags.DEFINE_string("model", None, words.MODEL)
TO = flags.DEFINE_string("to", None, "Address to upload to, hf://user/name. Default: print the model card instead.")
LICENSE = flags.DEFINE_string(
    "license", None, "License of the weights, by its name on the Hub, such as apache-2.0. Default: the card names none."
)
PRIVATE = flags.DEFINE_bool("private", False, "Make a new repository private.")
ANALYSIS = flags.DEFINE_string(
    "analysis",
    "results/analysis",
    "Folder that trainers.analyze wrote. The card shows the errors under attack from it.",
)
SAVED_MODELS = flags.DEFINE_string("saved_models", None, words.SAVED_MODELS)
INDEX = flags.DEFINE_bool("index", False, "Write the index of the models of the folder saved_models, and nothing else.")
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
    from zoo.pretrained.card import CHECKSUM

    file = pathlib.Path(ANALYSIS.value) / f"{card['name']}.json"
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text())
        return content if content["sha256"] == card[CHECKSUM] else None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{file} is damaged ({error!r}). Run trainers.analyze again.") from error


def publish() -> None:
    """Uploads the model, prints its card, or writes the index."""
    if MODEL.value is None and not INDEX.value:
        raise program.UsageError("Choose a model with --model, or write the index with --index.")
    quiet.load("keras")
    from trainers.page import commands
    from trainers.results.publishing import write_download_index
    from zoo import pretrained

    if INDEX.value:
        folder = SAVED_MODELS.value or pretrained.default_directory()
        print(f"{write_download_index(folder, BASE.value)} models of {folder} are in the index")
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
