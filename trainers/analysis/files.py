"""One file of measures for each published model, written as soon as it is complete, and skipped where it is."""

import json
import pathlib

from trainers.analysis.measurements import measure
from trainers.analysis.plan import plan
from trainers.results.store import as_json
from trainers.runs.data import load_own_data
from zoo import pretrained
from zoo.files import write_atomic
from zoo.pretrained import card


def is_current(path, content, settings):
    """Whether a model's file holds what would be measured now.

    Raises:
        ValueError: the file is damaged.
    """
    if not path.exists():
        return False
    try:
        found = json.loads(path.read_text())
        same = {
            kind: {name: entry["settings"] for name, entry in found[kind].items()} for kind in ("errors", "measures")
        }
        return found["sha256"] == content[card.CHECKSUM] and same == settings
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged ({error!r}). Remove it to measure the model again.") from error


def measure_once(path, directory, num_examples=None):
    """Measures a model and writes its file, unless the file is there for this model and these settings.

    Args:
        path: folder of the SavedModel.
        directory: folder of the results; made where it is missing.
        num_examples: as for `measure`.

    Returns:
        Whether it was measured now.

    Raises:
        ValueError: the model or an earlier file of it is damaged, or the model does not fit its data set.
    """
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    content = card.verify(path)
    file = directory / f"{content['name']}.json"
    if is_current(file, content, plan(load_own_data(content), num_examples)):
        return False
    write_atomic(file, as_json(measure(path, num_examples)))
    return True


def measure_models(names, saved_models, directory, num_examples=None):
    """Measures models one after the other; what is wrong with one does not keep the others from it.

    Args:
        names: of published models, or paths of SavedModels; none takes all that there are.
        saved_models: folder of published models; None takes the default one.
        directory, num_examples: as for `measure_once`.

    Returns:
        One sentence for each model that could not be measured.
    """
    failed = []
    for name in names or pretrained.list_models(saved_models):
        try:
            measured = measure_once(pretrained.find(name, saved_models), directory, num_examples)
            print(f"{name}: {'measured' if measured else 'is there already'}.", flush=True)
        except (ValueError, OSError) as error:
            failed.append(f"{name}: {error}")
    return failed
