"""The model card in Markdown, with the metadata that the Hugging Face Hub reads, made from `card.json`."""

import copy
import inspect
import json
import pathlib
import re
from collections.abc import Mapping
from typing import Any

from zoo.ladder import LadderNetwork
from zoo.optional import require
from zoo.pretrained.card import model_sum
from zoo.pretrained.hub_source import EXTRA, repository_of
from zoo.pretrained.index import HOMEPAGE
from zoo.pretrained.safe_deserialization import read_model

Card = Mapping[str, Any]

TEMPLATE = pathlib.Path(__file__).parent / "templates" / "README.md.jinja"
METRIC = "error_rate"
# Data sets of TensorFlow Datasets by their names on the Hub.
DATASETS = {
    "cifar10": "uoft-cs/cifar10",
    "cifar100": "uoft-cs/cifar100",
    "fashion_mnist": "zalando-datasets/fashion_mnist",
    "mnist": "ylecun/mnist",
    "svhn_cropped": "ufldl-stanford/svhn",
}
# What ε bounds, for the errors of `trainers.analyze` that a model card shows.
NORMS = {
    "gaussian_noise": "standard deviation",
    "fgsm_linf": "L∞",
    "pgd_linf": "L∞",
    "pgd_l2": "L2",
    "apgd_linf": "L∞",
    "apgd_l2": "L2",
    "autoattack": "L∞",
    "autoattack_l2": "L2",
}
SHOWN_ELSEWHERE = ("published_error", "published_reference", "source", "search")  # of the fields of a recipe
RANDOM = ("gaussian_noise",)  # no attack, and not in the metadata


def readme(
    card: Card,
    address: str,
    *,
    command: str = "",
    analysis: Mapping[str, Any] | None = None,
    weights_license: str | None = None,
) -> str:
    """Writes the model card of a SavedModel in Markdown, with a metadata header for the Hugging Face Hub.

    Args:
        card: card of the SavedModel, as `model_card` returns it.
        address: `hf://user/name`, under which the model will be found.
        command: shell commands that trained the model, one per line.
        analysis: errors of the model under attack, as `trainers.analyze` writes them, or None.
        weights_license: license of the weights, by its name on the Hub, such as `"apache-2.0"`. None names none.

    Returns:
        The text of `README.md`.

    Raises:
        ImportError: huggingface_hub or Jinja2 is not installed.
        ValueError: the analysis is that of another model, or the card describes no model.

    Example:
        >>> import zoo
        >>> card = zoo.model_card("synthetic_mlp-vat")
        >>> zoo.pretrained.readme(card, "hf://user/signals").splitlines()[:2]  # doctest: +SKIP
        ['---', 'library_name: keras']
    """
    hub: Any = require("huggingface_hub", "A model card for the Hub", EXTRA)
    require("jinja2", "A model card for the Hub", EXTRA)
    if analysis and analysis.get("sha256") != model_sum(card):
        raise ValueError(
            f"The analysis must be that of the files of {card['name']}, received that of "
            f"{analysis.get('model', 'no model')} with other files. Run trainers.analyze again."
        )
    errors = {name: entry for name, entry in (analysis or {"errors": {}})["errors"].items() if name in NORMS}
    repository, revision = repository_of(address)
    text = hub.ModelCard.from_template(
        _metadata(hub, card, errors, weights_license),
        template_path=str(TEMPLATE),
        address=address,
        repository=repository,
        revision=revision,
        homepage=HOMEPAGE,
        command=command,
        attacked=[_attacked_row(name, entry) for name, entry in errors.items()],
        **_facts(card),
    )
    return re.sub(r"\n{3,}", "\n\n", str(text))


def _is_image(card: Card) -> bool:
    return len(card["input_shape"]) == 3


def _recipe(card: Card) -> dict[str, Any]:
    return card.get("recipe") or {}


def _metadata(hub: Any, card: Card, errors: Mapping[str, Any], weights_license: str | None) -> Any:
    dataset, task = _recipe(card).get("dataset"), f"{'image' if _is_image(card) else 'tabular'}-classification"
    known = DATASETS.get(str(dataset).partition(":")[0])
    common = {"task_type": task, "dataset_type": known or dataset or "other", "dataset_name": dataset or "other"}

    def result(split, value, name, **arguments):
        metric = {"metric_type": METRIC, "metric_name": name, "metric_value": round(value, 4)}
        return hub.EvalResult(**common, **metric, dataset_split=split, **arguments)

    results = [result(split, error, f"{split} error (%)") for split, error in card["errors"].items()]
    for name, entry in errors.items():
        if name not in RANDOM:
            size, num_examples = entry["settings"]["size"], entry["settings"]["num_examples"]
            arguments = {"attack": name, "epsilon": size, "num_examples": num_examples}
            about = f"test error (%) under {name}, ε = {size:g}"
            results.append(result("test", entry["error"], about, metric_args=arguments))
    return hub.ModelCardData(
        license=weights_license,
        library_name="keras",
        pipeline_tag=task,
        tags=["regularized-zoo", "saved-model", *_recipe(card).get("regularizers", ())],
        datasets=[known] if known else None,
        metrics=[METRIC],
        model_name=card["name"],
        eval_results=results or None,
    )


def _attacked_row(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    spread = f" ± {entry['standard_error']:.2f}" if entry.get("standard_error") is not None else ""
    return {
        "attack": name,
        "norm": NORMS[name],
        "epsilon": f"{entry['settings']['size']:.3g}",
        "error": f"{entry['error']:.2f}{spread}",
        "num_examples": entry["settings"]["num_examples"],
    }


def _facts(card: Card) -> dict[str, Any]:
    """What the template says about the model, by the names in it."""
    model = _model(card)
    methods = [*dict.fromkeys(type(term) for term in model.terms)] if model else []
    methods += [LadderNetwork] if _recipe(card).get("ladder") else []
    image, shape = _is_image(card), " × ".join(str(size or "any size") for size in card["input_shape"])
    published, test = card.get("published_error"), card["errors"].get("test")
    settings = {key: value for key, value in _recipe(card).items() if key not in SHOWN_ELSEWHERE}
    rows = [(split, error, published if split == "test" else None) for split, error in card["errors"].items()]
    return {
        "name": card["name"],
        "inputs": f"images of shape {shape}" if image else f"inputs of shape {shape}",
        "raw": "images with pixels from 0 to 255" if image else "raw inputs",
        "epsilon_unit": "for pixels from 0 to 1" if image else "in units of the raw inputs",
        "num_classes": model.network.output_shape[-1] if model else None,
        "num_parameters": f"{card['num_parameters']:,}",
        "dataset": _recipe(card).get("dataset"),
        "num_labels": _recipe(card).get("num_labels"),
        "test_error": None if test is None else f"{test:.2f}",
        "source": card.get("source") if published is not None else None,
        "errors": [
            {"split": split, "error": f"{error:.2f}", "published": "–" if known is None else f"{known:g}"}
            for split, error, known in rows
        ],
        "trained": _trained(card),
        "recipe": json.dumps(settings, indent=1, ensure_ascii=False) if settings else "",
        "methods": [_documented(method)[0] for method in methods],
        "sources": [source for source in (_documented(method)[1] for method in methods) if source],
    }


def _model(card: Card) -> Any:
    """The model that the card describes, without weights; None if the network has no configuration."""
    if not card["model"]:
        return None
    try:
        return read_model(copy.deepcopy(card["model"]))  # Keras changes what it reads
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The card of {card['name']} does not describe a model that this version knows ({error})."
        ) from error


def _trained(card: Card) -> str:
    training = card.get("training") or {}
    if not {"epochs", "seconds", "backend", "device"} <= training.keys():
        return ""
    return (
        f"Seed {card.get('seed', 0)}, {training['epochs']} epochs in {training['seconds']:,.0f} s on "
        f"{training['device']}, with the backend {training['backend']}."
    )


def _documented(method: type) -> tuple[str, str]:
    """What a method is and who published it, from its docstring."""
    text = inspect.getdoc(method) or f"{method.__name__}."
    source = re.search(r"^Sources?: (.*?)(\n\n|\Z)", text, flags=re.DOTALL | re.MULTILINE)
    return f"`zoo.{method.__name__}`: {text.splitlines()[0]}", " ".join(source[1].split()) if source else ""
