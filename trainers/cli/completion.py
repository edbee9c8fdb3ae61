"""Tab completion of flags, recipes, models and other names in a shell, by argcomplete.

`register-python-argcomplete zoo-train` prints what a shell needs for it. The shell then runs the command at every tab.
"""

import argparse
import os
from collections.abc import Callable, Collection

from absl import flags

from trainers.cli.choices import names_of
from trainers.cli.help import Sections
from trainers.cli.light_imports import without_keras

VARIABLE = "_ARGCOMPLETE"  # set by the shell that asks for completions


def complete(sections: Sections) -> None:
    """Ends the process with the possible completions if a shell asks for them.

    Args:
        sections: flags of the command.
    """
    if VARIABLE not in os.environ:
        return
    import argcomplete

    argcomplete.autocomplete(make_parser(sections))


def make_parser(sections: Sections) -> argparse.ArgumentParser:
    """A parser of the same flags, with completers, for argcomplete.

    Args:
        sections: flags of the command.
    """
    parser = argparse.ArgumentParser()
    for holder in (holder for group in sections.values() for holder in group):
        flag = flags.FLAGS[holder.name]
        if flag.boolean:
            parser.add_argument(f"--{flag.name}", f"--no{flag.name}", action="store_true")
            continue
        action, names = parser.add_argument(f"--{flag.name}"), known_names(flag)
        if names:  # argcomplete completes names of files for the others
            action.completer = completer(names)  # pyright: ignore
    return parser


def known_names(flag: flags.Flag) -> Collection[str]:
    """The names that a flag takes; empty if it takes other values."""
    if flag.name == "model":
        with without_keras():
            from zoo.pretrained.finding import list_models
        return list_models(remote=True)
    return names_of(flag.name) or getattr(flag.parser, "enum_values", ())


def completer(names: Collection[str]) -> Callable[..., list[str]]:
    """Completes one name, or the last one of several with commas between."""

    def completions(prefix, **_):
        before, comma, _ = prefix.rpartition(",")
        return [f"{before}{comma}{name}" for name in sorted(names)]

    return completions
