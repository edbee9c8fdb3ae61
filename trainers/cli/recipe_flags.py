"""Recipe fields and searches as flags: how they are written and read."""

import json
import pathlib
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from trainers.results.files import read_json
from zoo.recipes import Recipe
from zoo.recipes.search import Search
from zoo.recipes.searches import SEARCHES
from zoo.validation import check_choice


def parse_override(text: str) -> tuple[str, Any]:
    """Splits `FIELD=VALUE`; reads the value as JSON, or else as text.

    Raises:
        ValueError: there is no `=`.
    """
    field, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--override takes FIELD=VALUE, received {text!r}.")
    try:
        return field, json.loads(value)
    except (ValueError, RecursionError):
        return field, value


def parse_overrides(texts: Iterable[str]) -> dict[str, Any]:
    """Reads `--override` flags.

    Args:
        texts: each is `FIELD=VALUE`, or the name of a JSON file that maps fields to values.

    Returns:
        `{field: value}`; later flags replace earlier ones.

    Raises:
        ValueError: a text has neither form, or a file is damaged.
        OSError: a file does not exist.
    """
    assignments = {}
    for text in texts:
        assignments |= read_fields(text) if is_file(text) else dict([parse_override(text)])
    return assignments


def override_flags(assignments: Mapping[str, Any]) -> list[str]:
    """The flags that make these assignments, quoted for a shell."""
    return [f"--override={shlex.quote(f'{field}={json.dumps(value)}')}" for field, value in assignments.items()]


def parse_spaces(texts: Iterable[str]) -> dict[str, Any]:
    """Reads `--space` flags.

    Args:
        texts: each is `FIELD=VALUE,VALUE,…`, `FIELD=log:MIN:MAX`, `FIELD=linear:MIN:MAX`, the name of a JSON file with
            a space, or a name among `zoo.recipes.searches.SEARCHES`.

    Returns:
        Arguments of `Search`: `"space"`, and what the named searches set.

    Raises:
        ValueError: a text has none of these forms, or a file is damaged.
        OSError: a file does not exist.
    """
    search, space = {}, {}
    for text in texts:
        field, equals, values = text.partition("=")
        if equals:
            space[field] = parse_domain(values)
        elif is_file(text):
            space |= read_fields(text)
        else:
            search |= SEARCHES[check_choice("space", text, SEARCHES)]
            space |= search["space"]
    return {**search, "space": space}


def choose_search(recipe: Recipe, spaces: list[str], given: Mapping[str, Any]) -> Search:
    """The search that flags ask for.

    Args:
        recipe: its own search is the default.
        spaces: the `--space` flags.
        given: arguments of `Search` that replace those of the recipe's or a predefined search.

    Raises:
        ValueError: no flag and no recipe names a space.
    """
    settings = parse_spaces(spaces) if spaces else recipe.search
    if not settings:
        raise ValueError(
            f"{recipe.name} records no search. Choose a space with --space=FIELD=log:MIN:MAX or "
            f"--space=FIELD=VALUE,VALUE, or a predefined one: {', '.join(SEARCHES)}."
        )
    return Search.from_data({**settings, **given})


def parse_domain(text: str) -> dict[str, Any]:
    """Reads the domain of a field: `log:MIN:MAX`, `linear:MIN:MAX`, or values with commas between, as JSON or text.

    Raises:
        ValueError: a range has another form.
    """
    try:
        return {"values": json.loads(f"[{text}]")}
    except ValueError:
        sampling, *limits = text.split(":")
    if not limits:
        return {"values": text.split(",")}
    check_choice("sampling", sampling, ("log", "linear"))
    if len(limits) != 2:
        raise ValueError(f"--space takes FIELD={sampling}:MIN:MAX, received {text!r}.")
    low, high = (parse_override(f"={limit}")[1] for limit in limits)
    return {"min": low, "max": high, "sampling": sampling}


def is_file(text: str) -> bool:
    """Whether a flag names a JSON file."""
    return "=" not in text and pathlib.Path(text).suffix == ".json"


def read_fields(path: str) -> dict[str, Any]:
    """Reads a JSON file that maps recipe fields to values.

    Raises:
        ValueError: the file is damaged, or holds no mapping.
    """
    fields = read_json(path)
    if not isinstance(fields, dict):
        raise ValueError(f"{path} must map recipe fields to values, received {fields!r}.")
    return fields
