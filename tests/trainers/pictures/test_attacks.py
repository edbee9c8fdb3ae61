"""Pictures of attacks: they show the measured curves and the given images."""

import numpy as np
import pytest

from trainers.pictures.attacks import accuracy_by_epsilon, adversarial_examples, compared_as
from trainers.pictures.style import RED


def analysis(name, errors, dataset="mnist", num_examples=40):
    settings = {"sizes": [0.0, 0.1, 0.2], "num_examples": num_examples}
    return {"model": name, "dataset": dataset, "curves": {"apgd_linf": {"errors": errors, "settings": settings}}}


def test_lines_are_the_accuracy_at_each_size():
    contents = {
        "mnist_mlp-vat": analysis("mnist_mlp-vat", [1.0, 20.0, 100.0]),
        "mnist_ladder-all_full": analysis("mnist_ladder-all_full", [0.5, 10.0, 90.0]),
        "mnist_ladder-100_full": analysis("mnist_ladder-100_full", [2.0, 2.0, 2.0]),
        "cifar10_conv_small-at_l2": analysis("cifar10_conv_small-at_l2", [9.0, 9.0, 9.0], "cifar10"),
        "mnist_mlp-trades": analysis("mnist_mlp-trades", [1.0, 6.0, 50.0]),
        "mnist_conv-trades": analysis("mnist_conv-trades", [2.0, 4.0, 5.0], num_examples=30),
        "mnist_mlp-dropout": {"model": "mnist_mlp-dropout", "dataset": "mnist", "curves": {}},
    }
    picture = accuracy_by_epsilon(contents)
    lines = {line.get_label(): (line.get_xdata(), line.get_ydata()) for line in picture.figure.axes[0].lines}
    assert lines.keys() == {"VAT", "ladder network", "TRADES", "TRADES, convolutional network"}
    np.testing.assert_array_equal(lines["TRADES"][1], [99.0, 94.0, 50.0])
    np.testing.assert_array_equal(lines["VAT"], [[0.0, 0.1, 0.2], [99.0, 80.0, 0.0]])
    assert "30 or 40 test images" in picture.alt and "VAT 99 at 0, 80 at 0.1, 0 at 0.2" in picture.alt


def test_without_curves_there_is_no_picture():
    assert accuracy_by_epsilon({"mnist_mlp-vat": {"dataset": "mnist", "curves": {}}}) is None


@pytest.mark.parametrize(
    "name, compared",
    [
        ("mnist_mlp-vat", "vat"),
        ("mnist_conv-trades", "trades, convolutional network"),
        ("mnist_ladder-all_full", "full"),
        ("mnist_ladder-100_full", ""),
        ("own", "own"),
    ],
)
def test_what_models_are_compared_as(name, compared):
    assert compared_as(name) == compared


def test_wrong_decisions_are_marked_and_sizes_are_above_the_first_row():
    sure, mistaken = np.array([0.1, 0.9]), np.array([0.75, 0.25])
    images = {method: [np.full((4, 4, 1), shade) for shade in (0.0, 0.5)] for method in ("none", "VAT")}
    found = {"none": [sure, mistaken], "VAT": [sure, sure]}
    picture = adversarial_examples(images, found, [0.0, 0.25], 1, "t")
    titles = [ax.get_title() for ax in picture.figure.axes]
    assert titles == ["ε = 0\n1, 90 %", "ε = 0.25\n0, 75 % ✗", "1, 90 %", "1, 90 %"]
    assert [ax.title.get_color() == RED for ax in picture.figure.axes] == [False, True, False, False]
    np.testing.assert_array_equal(picture.figure.axes[1].images[0].get_array(), 0.5)
