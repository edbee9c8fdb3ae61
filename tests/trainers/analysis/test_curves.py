"""Errors against the size of an attack: a closed form, and what a larger ball inherits."""

import numpy as np
import pytest

from trainers.analysis.curves import curve, misclassified_by_size
from zoo import analysis

# For a linear network of two logits, an L∞ ball of radius ε holds a misclassified point iff margin < ε·‖w‖₁.
WEIGHTS = np.array([[1.0, -1.0, 0.5], [0.25, 0.5, -1.0], [-0.5, 1.0, 0.5]])
SETTINGS = {
    "attack": "apgd_linf",
    "sizes": [0.0, 0.1, 0.2, 0.4],
    "parts": [{"loss": "ce", "num_steps": 20}, {"loss": "dlr", "num_targets": 2, "num_steps": 20}],
    "input_range": None,
    "num_examples": 40,
}


def network(x):
    return x @ WEIGHTS


def radius(x, y):
    """The smallest ε at which a point of the ball is misclassified, in closed form; 0 if x is."""
    others = [[k for k in range(3) if k != label] for label in y]
    found = [
        min(
            (x[i] @ (WEIGHTS[:, y[i]] - WEIGHTS[:, k])) / np.abs(WEIGHTS[:, y[i]] - WEIGHTS[:, k]).sum()
            for k in others[i]
        )
        for i in range(len(x))
    ]
    return np.maximum(found, 0)


@pytest.fixture
def examples():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    labels = network(x).argmax(axis=1)
    labels[:6] = (labels[:6] + 1) % 3  # misclassified without an attack
    return x, labels


def test_the_curve_of_a_linear_network_is_its_closed_form(examples):
    x, y = examples
    wrong = misclassified_by_size(network, x, y, SETTINGS)
    exact = radius(x, y)[None] < np.array(SETTINGS["sizes"])[:, None]
    exact[:, :6] = True
    assert wrong.shape == (4, 60)
    assert not np.any(wrong & ~exact)  # an attack cannot find what is not there
    assert np.mean(wrong == exact) > 0.98


def test_larger_balls_attack_only_what_resists(examples, monkeypatch):
    attacked = []

    def weak(network, x, y, attack, size, **options):
        attacked.append((size, options.get("loss"), len(x)))
        return np.arange(len(x)) < 2

    monkeypatch.setattr(analysis, "misclassified_under_attack", weak)
    wrong = misclassified_by_size(network, *examples, SETTINGS)
    assert wrong.sum(axis=1).tolist() == [6, 10, 14, 18]
    assert attacked == [
        (size, loss, 54 - 2 * n)
        for n, (size, loss) in enumerate((size, loss) for size in SETTINGS["sizes"][1:] for loss in ("ce", "dlr"))
    ]
    assert not np.any(wrong[:-1] & ~wrong[1:])


def test_an_entry_has_percent_and_standard_errors(examples):
    x, y = examples
    entry = curve(network, x, y, {**SETTINGS, "sizes": [0.0], "parts": []})
    share = 6 / 40
    assert entry["errors"] == [100 * share]
    assert entry["standard_errors"] == [pytest.approx(100 * np.sqrt(share * (1 - share) / 39), rel=1e-3)]
    assert entry["settings"]["num_examples"] == 40
