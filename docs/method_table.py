"""Writes the table of methods in the guide `which-method.md` from `results/` and `benchmarks/measured/`.

python -m docs.method_table
"""

import json
import pathlib
import statistics

from trainers.tables import test_errors
from zoo.files import write_whole

ROOT = pathlib.Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "guides" / "which-method.md"
BEGIN, END = "<!-- written by make docs -->\n", "<!-- end -->\n"
STEPS = "mnist_mlp-jax-cpu.json"
HEAD = "| method | `zoo.` | needs labels | synthetic | MNIST | step time |\n|---|---|---|---|---|---|\n"
METHODS = {  # by the recipe's last part: the method, the class or argument, and whether it needs labels
    "baseline": ("none", "–", "–"),
    "dropout": ("dropout", "`networks.mlp(dropout=)`", "no"),
    "input_noise": ("Gaussian input noise", "`networks.mlp(input_noise_std=)`", "no"),
    "ensemble": ("ensemble of networks", "`networks.ensemble`", "no"),
    "at_l2": ("AT", "`AdversarialTraining`", "yes"),
    "vat": ("VAT", "`VirtualAdversarialTraining`", "no"),
    "vmt_shift": ("VMT, shift", "`VirtualMovementTraining`", "yes"),
    "vmt_smooth": ("VMT, smooth field", "`VirtualMovementTraining`", "yes"),
    "vat_vmt_shift": ("VAT + VMT, shift", "the sum of the two", "yes"),
    "smoothness": ("smoothness", "`Smoothness`", "no"),
    "jacobian": ("Jacobian penalty", "`JacobianPenalty`", "no"),
}


def error(recipe):
    """Mean test error of a recipe in per cent, its standard deviation and its seeds; a dash without results."""
    path = ROOT / "results" / f"{recipe}.json"
    if not path.exists():
        return "–"
    errors = list(test_errors(json.loads(path.read_text())).values())
    spread = f" ± {statistics.stdev(errors):.2f}" if len(errors) > 1 else ""
    return f"{statistics.mean(errors):.2f}{spread} ({len(errors)})"


def render():
    """The table, as Markdown."""
    steps = json.loads((ROOT / "benchmarks" / "measured" / STEPS).read_text())["methods"]
    rows = []
    for method, cells in METHODS.items():
        step = f"{steps[method]['ratio']:.1f}" if method in steps else "–"
        rows.append((*cells, error(f"synthetic_mlp-{method}"), error(f"mnist_mlp-{method}"), step))
    return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main():
    before, _, rest = GUIDE.read_text().partition(BEGIN)
    write_whole(GUIDE, before + BEGIN + "\n" + render() + "\n" + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
