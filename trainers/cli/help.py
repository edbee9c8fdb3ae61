"""The text of `--help`: the docstring of the command with its examples, then the flags in sections."""

import re
import shutil
import textwrap
from collections.abc import Mapping, Sequence

from absl import flags

Sections = Mapping[str, Sequence[flags.FlagHolder]]

NARROWEST, WIDEST = 60, 100  # characters of a line
REPEATED = ";\n    repeat this option to specify a list of values"  # absl adds it, and the values of an enumeration
FOOTER = """
Exit status: 0 if the command did its work, 1 if it failed, 2 if the command line is wrong;
130 and 143 if an interruption or SIGTERM stopped it, 141 if nothing reads its output any more.
--helpfull lists the flags of libraries, too."""


def help_text(doc: str, sections: Sections) -> str:
    """The text of `--help`.

    Args:
        doc: docstring of the command, with examples.
        sections: flags of the command by the title of their section.
    """
    described = {title: [flags.FLAGS[holder.name] for holder in holders] for title, holders in sections.items()}
    indent = 4 + max(len(option(flag)) for group in described.values() for flag in group)
    width = min(max(shutil.get_terminal_size().columns, NARROWEST), WIDEST)
    lines = [doc.rstrip()]
    for title, group in described.items():
        lines += ["", f"{title}:"]
        for flag in group:
            first = f"  {option(flag)}".ljust(indent)
            layout = {"initial_indent": first, "subsequent_indent": " " * indent, "break_on_hyphens": False}
            lines += textwrap.wrap(describe(flag), width, **layout)
    return "\n".join(lines) + "\n" + FOOTER


def option(flag: flags.Flag) -> str:
    """How a flag is written."""
    return f"--[no]{flag.name}" if flag.boolean else f"--{flag.name}"


def describe(flag: flags.Flag) -> str:
    """The help of a flag, with its choices and its default where the help does not name them.

    Args:
        flag: its help ends with a period.
    """
    text = re.sub(r"^<[^>]*>: ", "", flag.help).removesuffix(REPEATED)
    choices = getattr(flag.parser, "enum_values", [])
    if not all(f"{choice}:" in text for choice in choices):
        text += f" One of {', '.join(choices)}."
    if flag.default not in (None, "", [], False):
        text += f" Default: {flag.default_as_str.strip(chr(39))}."
    elif flag.default == 0 and not flag.boolean:
        text += " Default: 0."
    return text
