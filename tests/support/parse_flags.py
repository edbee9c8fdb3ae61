"""Parses command lines by the flags of the programs that they start. Programs may have flags of the same name."""

import contextlib
import runpy
import sys

from absl import flags


@contextlib.contextmanager
def separate_flags():
    """A context in which a program defines its flags. Afterwards they are gone, and the flags from before are back.

    Yields:
        A `FlagValues` that holds the flags of the program after the context.
    """
    before, own = flags_of_programs(), flags.FlagValues()
    flags.FLAGS.remove_flag_values(before)
    try:
        yield own
    finally:
        own.append_flag_values(flags_of_programs())
        flags.FLAGS.remove_flag_values(own)
        flags.FLAGS.append_flag_values(before)


def flags_of_programs():
    """A copy of all flags but those of absl, which TensorFlow needs at any time."""
    modules, copied = flags.FLAGS.flags_by_module_dict(), copy_of(flags.FLAGS)
    of_absl = [flag for module in modules if module.startswith("absl.") for flag in modules[module]]
    copied.remove_flag_values({name: None for name in list(copied) if copied[name] in of_absl})
    return copied


@contextlib.contextmanager
def separate_modules():
    """A context that imports `trainers` again: modules that programs share define flags, and each needs its own."""

    def take_out():
        return {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "trainers"}

    before = take_out()
    try:
        yield
    finally:
        take_out()
        sys.modules.update(before)


def flags_of(program):
    """The flags that a program defines."""
    with separate_modules(), separate_flags() as own:
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


def complaints(lines):
    """What is wrong with each of these lines, `[[program, flag, ...], ...]`, or None."""
    known = {program: flags_of(program) for program in sorted({line[0] for line in lines})}
    return [complaint(known[program], words) for program, *words in lines]
