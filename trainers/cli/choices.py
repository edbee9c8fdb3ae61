"""Flags that take certain names only. Their errors give the nearest right name."""

from collections.abc import Iterable

from absl import flags

from trainers.cli.light_imports import without_keras

_NAMES: dict[str, frozenset[str]] = {}  # of flags that take names


def names_of(flag: str) -> frozenset[str]:
    """The names that a flag takes, after `suggest` or `allow`; empty for other flags."""
    return _NAMES.get(flag, frozenset())


def suggest(flag: flags.FlagHolder, names: Iterable[str]) -> None:
    """Lets a shell complete the names that a flag takes among other values."""
    _NAMES[flag.name] = frozenset(names)


def allow(flag: flags.FlagHolder, what: str, names: Iterable[str], listed_by: str = "") -> None:
    """Lets a flag take certain names only.

    Args:
        flag: takes a name, a list of names, or None.
        what: the name of the choice in messages, e.g. `"recipe"`.
        names: the allowed names.
        listed_by: the command that lists the names, as for `zoo.validation.check_choice`.
    """
    names = frozenset(names)
    suggest(flag, names)

    def check(value):
        given = [value] if isinstance(value, str) else value or []
        if not names.issuperset(given):
            with without_keras():
                from zoo.validation import check_choice

                try:
                    for name in given:
                        check_choice(what, name, names, listed_by)
                except ValueError as error:
                    raise flags.ValidationError(str(error)) from error
        return True

    flags.register_validator(flag, check)
