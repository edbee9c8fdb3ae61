"""Files with the measurements of published models, one per model; a model whose file is up to date is skipped."""

import json
import pathlib
import time
from collections.abc import Iterable
from typing import Any

from trainers.analysis.measurements import measure
from trainers.analysis.plan import missing_figures, num_figures, plan
from trainers.results.store import as_json, free_name
from trainers.runs.data import load_own_data
from trainers.runs.progress import progress, time_left
from zoo import pretrained
from zoo.files import write_atomic
from zoo.pretrained import card


def up_to_date(path: pathlib.Path, content: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """The figures in a file that belong to this model and these settings, and the library versions.

    Errors are kept one by one, measures and curves all together or not at all.

    Args:
        path: of the file.
        content: card of the model.
        settings: from `plan`.

    Returns:
        The content of the file without what must be measured again; empty if there is no file.

    Raises:
        ValueError: the file is damaged.
    """
    if not path.exists():
        return {}
    try:
        found = {"curves": {}, **json.loads(path.read_text())}
        recorded = {kind: {name: entry["settings"] for name, entry in found[kind].items()} for kind in settings}
        if found["sha256"] != card.model_sum(content):
            return {}
        same = {kind: of for kind, of in recorded.items() if of == settings[kind]}
        errors = recorded["errors"].items()
        same["errors"] = {name: options for name, options in errors if options == settings["errors"].get(name)}
        kept = {kind: {name: found[kind][name] for name in names} for kind, names in same.items()}
        return {**kept, "versions": found.get("versions", {})} if any(kept.values()) else {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged ({error!r}). Remove it to measure the model again.") from error


def measure_once(path: pathlib.Path, directory: str | pathlib.Path, num_examples: int | None = None) -> bool:
    """Measures a model and writes its file, unless the file is up to date.

    Only errors that are out of date are measured again. Measures and curves are each measured again as a whole. What is
    measured waits in `MODEL.partial` until the model is done, so that an interruption does not lose it.

    Args:
        path: folder of the SavedModel.
        directory: folder of the figures; created if it is missing.
        num_examples: as for `measure`.

    Returns:
        Whether this call measured the model.

    Raises:
        ValueError: the model or its file is damaged, or the model takes inputs of another shape than its data set has.
    """
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    content = card.verify(path)
    file, partial = (directory / f"{content['name']}.{ending}" for ending in ("json", "partial"))
    settings = plan(load_own_data(content), num_examples)
    found = [up_to_date(each, content, settings) for each in (file, partial)]
    known = min(found, key=lambda each: num_figures(missing_figures(settings, each)))
    missing = missing_figures(settings, known)
    if not any(missing.values()):
        if known is not found[0]:  # an earlier call was killed before it gave the file its name
            partial.replace(file)
        return False
    if file.exists() and not found[0]:
        aside = file.rename(free_name(file))
        print(f"{file} held figures of another model or other settings; they are in {aside} now.", flush=True)
    with progress(num_figures(missing), "figure") as move:
        measure(path, num_examples, known, move, lambda found: write_atomic(partial, as_json(found)))
    partial.replace(file)
    return True


def measure_models(
    names: Iterable[str],
    saved_models: str | pathlib.Path | None,
    directory: str | pathlib.Path,
    num_examples: int | None = None,
) -> tuple[list[str], list[str]]:
    """Measures models one after another; continues after a model that cannot be measured.

    Args:
        names: of published models, or paths of SavedModels; empty for all published models.
        saved_models: folder of published models; None for the default one.
        directory: as for `measure_once`.
        num_examples: as for `measure`.

    Returns:
        The names of the models whose files are up to date now, and one sentence for each other model.
    """
    names = list(names) or pretrained.list_models(saved_models or pretrained.default_directory())
    current, failed, seconds = [], [], []
    for index, name in enumerate(names):
        begun = time.monotonic()
        try:
            path = pretrained.find(name, saved_models)
            measured = measure_once(path, directory, num_examples)
            current.append(card.read_card(path)["name"])
            seconds += [time.monotonic() - begun] * measured
            left = time_left(sum(seconds), len(seconds), len(seconds) + len(names) - index - 1)
            print(f"{name}: {'measured' if measured else 'already up to date'}{left and f'; {left}'}.", flush=True)
        except (ValueError, OSError) as error:
            failed.append(f"{name}: {error}")
    return current, failed
