"""Parses command lines by the flags of the programs that they start; `python -m tests.support.parse_flags`.

Reads `[[program, flag, ...], ...]` as JSON and writes a list of the same length: None, or what is wrong. A process of
its own, because programs may have flags of the same name.
"""

import contextlib
import json
import runpy
import sys

from absl import flags


@contextlib.contextmanager
def separate_flags():
    """A context in which a program defines its flags. Afterwards they are gone, and the flags from before are back.

    Yields:
        A `FlagValues` that holds the flags of the program after the context.
    """
    before, own = copy_of(flags.FLAGS), flags.FlagValues()
    flags.FLAGS.remove_flag_values(before)
    try:
        yield own
    finally:
        own.append_flag_values(flags.FLAGS)
        flags.FLAGS.remove_flag_values(own)
        flags.FLAGS.append_flag_values(before)


def flags_of(program):
    """The flags that a program defines."""
    for module in [name for name in sys.modules if name.split(".")[0] == "trainers"]:
        del sys.modules[module]  # what programs share defines its flags for each
    with separate_flags() as own:
        runpy.run_module(program, run_name="not main")
    return own


def copy_of(values):
    copied = flags.FlagValues()
    copied.append_flag_values(values)
    return copied


def complaint(own, words):
    """What absl says to these flags, or None."""
    own.unparse_flags()
    try:
        rest = own(["program", *words])[1:]
    except flags.Error as error:
        return str(error)
    return f"not a flag: {rest}" if rest else None


def main():
    lines = json.load(sys.stdin)
    known = {program: flags_of(program) for program in sorted({line[0] for line in lines})}
    json.dump([complaint(known[program], words) for program, *words in lines], sys.stdout)


if __name__ == "__main__":
    main()
