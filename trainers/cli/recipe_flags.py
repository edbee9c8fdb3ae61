"""How recipe fields and searches are written on the command line, and read."""

import json
import pathlib
import shlex

from trainers.runs.workdir import read_json
from zoo.recipes.search import Search
from zoo.recipes.searches import SEARCHES
from zoo.validation import check_choice


def parse_override(text):
    """Splits `field=value`; the value is JSON where it parses, else the text itself.

    Raises:
        ValueError: there is no `=`.
    """
    field, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--override takes field=value, received {text!r}.")
    try:
        return field, json.loads(value)
    except (ValueError, RecursionError):
        return field, value


def parse_overrides(texts):
    """`{field: value}` of `field=value` texts, and of JSON files that hold such a mapping.

    Raises:
        ValueError: neither, or a damaged file.
        OSError: no such file.
    """
    assignments = {}
    for text in texts:
        assignments |= read_fields(text) if is_file(text) else dict([parse_override(text)])
    return assignments


def override_flags(assignments):
    """The flags that make these assignments, quoted for a shell."""
    return [f"--override={shlex.quote(f'{field}={json.dumps(value)}')}" for field, value in assignments.items()]


def parse_spaces(texts):
    """What `Search` needs at least, from the `--space` flags.

    Args:
        texts: each `field=value,value,…`, `field=log:min:max`, `field=linear:min:max`, the name of a JSON file with a
            space, or a name among `zoo.recipes.searches.SEARCHES`.

    Returns:
        `{"space": ...}`, and what else the named searches say.

    Raises:
        ValueError: none of these, with the nearest name; or a damaged file.
        OSError: no such file.
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


def choose_search(recipe, spaces, given):
    """The search that flags ask for.

    Args:
        recipe: `Recipe`, whose own search is the default.
        spaces: the `--space` flags.
        given: arguments of `Search` that replace those of a ready-made or written down one.

    Raises:
        ValueError: there is nothing to search.
    """
    settings = parse_spaces(spaces) if spaces else recipe.search
    if not settings:
        raise ValueError(
            f"{recipe.name} has no search of its own: name fields with --space=FIELD=log:MIN:MAX or "
            f"--space=FIELD=VALUE,VALUE, or choose one of {', '.join(SEARCHES)}."
        )
    return Search.from_data({**settings, **given})


def parse_domain(text):
    """A field's domain: `log:min:max`, `linear:min:max`, or values apart by commas, each JSON or else text.

    Raises:
        ValueError: a range of another form.
    """
    try:
        return {"values": json.loads(f"[{text}]")}
    except ValueError:
        sampling, *limits = text.split(":")
    if not limits:
        return {"values": text.split(",")}
    check_choice("sampling", sampling, ("log", "linear"))
    if len(limits) != 2:
        raise ValueError(f"--space takes field={sampling}:min:max, received {text!r}.")
    low, high = (parse_override(f"={limit}")[1] for limit in limits)
    return {"min": low, "max": high, "sampling": sampling}


def is_file(text):
    """Whether a flag names a JSON file."""
    return "=" not in text and pathlib.Path(text).suffix == ".json"


def read_fields(path):
    """The mapping of recipe fields in a JSON file.

    Raises:
        ValueError: it is damaged, or holds something else.
    """
    fields = read_json(path)
    if not isinstance(fields, dict):
        raise ValueError(f"{path} must hold a mapping of recipe fields, received {fields!r}.")
    return fields
