"""Error against cost: the points are the results and the step times."""

import pytest

from trainers.pictures.cost import error_by_cost, points_of
from trainers.pictures.labels import crossings, place_labels
from trainers.results.method_table import METHODS, MethodTable
from zoo import recipes

STEPS = [
    {
        "device": "CPU",
        "batch_size": 100,
        "methods": {
            "baseline": {"ratio": 1.0},
            "vat": {"ratio": 2.5},
            "at_l2": {"ratio": 2.4},
            "ladder": {"ratio": 6.0},
        },
    }
]
ERRORS = {
    "mnist_mlp-baseline": [1.0, 1.5],
    "mnist_mlp-vat": [0.5],
    "mnist_mlp-at_l2": [0.55],
    "mnist_mlp-dropout": [0.9],
}


def table(errors, steps=STEPS):
    results = {
        name: {
            "recipe": recipes.get(name).as_dict(),
            "seeds": {str(seed): {"errors": {"test": error}} for seed, error in enumerate(each)},
        }
        for name, each in errors.items()
    }
    return MethodTable(results, {}, steps)


def test_points_have_an_error_and_a_step_time():
    assert points_of(table(ERRORS)) == {
        "baseline": (1.0, (1.25, pytest.approx(0.125**0.5))),
        "at_l2": (2.4, (0.55, 0.0)),
        "vat": (2.5, (0.5, 0.0)),
    }


def test_names_do_not_cross_and_the_best_are_bold():
    picture = error_by_cost(table({**ERRORS, "mnist_mlp-at_l2": [0.45]}))
    ax = picture.figure.axes[0]
    texts = {text.get_text(): text for text in ax.texts}
    assert texts.keys() == {METHODS[method] for method in ("baseline", "at_l2", "vat")}
    assert {name for name, text in texts.items() if text.get_fontweight() == "bold"} == {"none", "AT, L2"}
    boxes = {name: text.get_window_extent() for name, text in texts.items()}
    assert crossings(boxes) == []
    assert "none 1.0 and 1.25 %" in picture.alt and place_labels(ax, {"one": (1.0, 1.0)}, {})


def test_fewer_than_two_points_are_no_picture():
    assert error_by_cost(table(ERRORS, [])) is None
    assert error_by_cost(table({"mnist_mlp-vat": [0.5]})) is None
