"""The installed commands: `zoo-train` is `python -m trainers.train`, and so on for every program.

Each command imports its own program alone, because two programs define flags of the same name.
"""

import functools
import runpy


def run(program: str) -> None:
    """Runs a program of `trainers` in this process, as `python -m trainers.PROGRAM` does.

    The program becomes `__main__`, so that `--help` shows its own text and flags.

    Args:
        program: name of a module of `trainers`, such as `"train"`; it reads its flags from `sys.argv`.

    Raises:
        SystemExit: always; with status 0 if the program did what its flags ask for.

    Example: `run("train")`, with `--list` on the command line, prints the names of all recipes.
    """
    runpy.run_module(f"trainers.{program}", run_name="__main__", alter_sys=True)


train = functools.partial(run, "train")
evaluate = functools.partial(run, "evaluate")
reproduce = functools.partial(run, "reproduce")
tune = functools.partial(run, "tune")
analyze = functools.partial(run, "analyze")
draw = functools.partial(run, "draw")
report = functools.partial(run, "report")
convert = functools.partial(run, "convert")
publish = functools.partial(run, "publish")
