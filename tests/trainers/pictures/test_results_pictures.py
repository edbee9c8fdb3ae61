"""Pictures of results: they show what the files say."""

import numpy as np
import pytest

from trainers.pictures.curves import (
    curves_of,
    generalization_gap,
    learning_curves,
    normalized_worst_movements,
    worst_movements,
)
from trainers.pictures.errors import by_labels, errors_by_labels, errors_by_method, frontier, training_seconds
from zoo import recipes


def content(name, seeds, published=None, **recipe):
    runs = {str(seed): {"device": "CPU", "backend": "jax", **run} for seed, run in enumerate(seeds)}
    return {"recipe": {"name": name, "published_error": published, **recipe}, "seeds": runs}


def run(error, seconds=1.0, epochs=1, **curves):
    return {"errors": {"test": error}, "seconds_per_epoch": seconds, "epochs": epochs, "curves": curves}


def lines(ax):
    return {line.get_label(): line.get_ydata() for line in ax.lines}


GAPS = [
    run(1.0, sampled_test_error=[50, 6, 4], sampled_train_error=[50, 4, 1]),
    run(1.5, sampled_test_error=[50, 8, 5], sampled_train_error=[50, 5, 0]),
    {"errors": {"test": 2.0}, "seconds_per_epoch": 1.0},
]


def test_seeds_without_curves_are_left_out():
    values = curves_of(content("a-vat", GAPS), "sampled_test_error")
    np.testing.assert_array_equal(values, [[[50, 6, 4]], [[50, 8, 5]]])
    assert curves_of(content("a-vat", GAPS[2:]), "sampled_test_error").size == 0


def test_curves_end_with_the_shortest():
    stopped = [run(1, worst_shift=[1.0, 2.0, 3.0]), run(1, worst_shift=[3.0, 2.0])]
    np.testing.assert_array_equal(curves_of(content("a-vat", stopped), "worst_shift")[:, 0], [[1, 2], [3, 2]])


def test_gap_is_the_mean_over_seeds_with_its_band():
    figure = generalization_gap([content("a-vat", GAPS)], "").figure
    np.testing.assert_allclose(lines(figure.axes[0])["VAT"], [0, 2.5, 4])
    (band,) = figure.axes[0].collections
    heights = band.get_paths()[0].vertices
    at_end = heights[heights[:, 0] == 2][:, 1]
    spread = np.std([3, 5], ddof=1)
    np.testing.assert_allclose([at_end.min(), at_end.max()], [4 - spread, 4 + spread])


def test_the_gap_of_losses_has_a_panel_of_its_own():
    runs = [{**GAPS[0], "curves": {**GAPS[0]["curves"], "sampled_test_loss": [2, 1], "sampled_train_loss": [2, 0.25]}}]
    picture = generalization_gap([content("a-vat", runs)], "")
    errors, losses = picture.figure.axes
    np.testing.assert_allclose(lines(errors)["VAT"], [0, 2, 3])
    np.testing.assert_allclose(lines(losses)["VAT"], [0, 0.75])
    assert "error: vat 3; loss: vat 0.75" in picture.alt


def test_one_panel_per_movement_that_was_measured():
    runs = [run(1, worst_shift=[0.1, 0.2], worst_scale=[1.0, 2.0])]
    picture = worst_movements([content("a-vat", runs), content("a-unknown", runs)], "T")
    assert len(picture.figure.axes) == 2
    assert lines(picture.figure.axes[1]).keys() == {"VAT"}
    assert "shift: vat 0.2; scale: vat 2" in picture.alt and picture.title.endswith("T")


def test_curves_of_changed_settings_have_an_asterisk():
    vat, baseline = (recipes.get(f"mnist_mlp-{method}") for method in ("vat", "baseline"))
    recorded = {vat.name: vat.override({"epochs": 3}), baseline.name: baseline}
    contents = [{**content(name, GAPS), "recipe": recipe.as_dict()} for name, recipe in recorded.items()]
    picture = generalization_gap(contents, "")
    assert list(lines(picture.figure.axes[0])) == ["none", "VAT *"]
    assert "Asterisk: with other settings" in picture.alt and "vat * 4." in picture.alt
    assert "Asterisk" not in generalization_gap(contents[1:], "").alt


def test_normalized_movements_have_a_picture_of_their_own():
    runs = [run(1, worst_shift=[0.1, 0.2], worst_shift_normalized=[0.4, 0.3])]
    for draw, end in ((worst_movements, 0.2), (normalized_worst_movements, 0.3)):
        (ax,) = draw([content("a-vat", runs)], "").figure.axes
        assert lines(ax)["VAT"][-1] == end
    assert normalized_worst_movements([content("a-vat", [run(1, worst_shift=[0.1])])], "") is None


def test_learning_curves_have_a_panel_for_each_split():
    test, train = learning_curves([content("a-vat", GAPS)], "").figure.axes
    np.testing.assert_allclose(lines(test)["VAT"], [50, 7, 4.5])
    np.testing.assert_allclose(lines(train)["VAT"], [50, 4.5, 0.5])


@pytest.mark.parametrize("draw", [generalization_gap, learning_curves, worst_movements, normalized_worst_movements])
def test_without_curves_there_is_no_picture(draw):
    assert draw([content("a-vat", GAPS[2:])], "") is None


def test_methods_are_ordered_by_their_mean_error():
    contents = [content("a-vat", [run(1.0), run(3.0)], 0.5), content("a-at", [run(0.75)]), content("a-x", [run(4.0)])]
    picture = errors_by_method(contents, "")
    assert [label.get_text() for label in picture.figure.axes[0].get_yticklabels()] == ["x", "vat", "at"]
    assert picture.alt.endswith("at 0.75 in 1 s, vat 2.00 in 1 s, x 4.00 in 1 s.")
    (published,) = [line for line in picture.figure.axes[0].lines if line.get_label() == "published"]
    assert (published.get_xdata()[0], published.get_ydata()[0]) == (0.5, 1)


def test_groups_differ_in_the_number_of_labels_only():
    names = {
        "mnist_ladder-100_full": 100,
        "mnist_ladder-all_full": None,
        "mnist_ladder-100_gamma": 100,
        "mnist_ladder_10ep-100_full": 100,
        "mnist_ladder_10ep-all_full": None,
        "mnist_mlp1200-vat_100": 100,
        "mnist_mlp1200-vat_1000": 1000,
    }
    groups = by_labels([content(name, [run(1.0)], num_labels=labels) for name, labels in names.items()])
    assert {name: set(group) for name, group in groups.items()} == {
        "mnist_ladder-full": {100, None},
        "mnist_mlp1200-vat": {100, 1000},
    }
    assert errors_by_labels([content("mnist_ladder-100_full", [run(1.0)], num_labels=100)]) is None


@pytest.mark.parametrize("field, value", [("epochs", 80), ("optimizer", {"name": "sgd"}), ("preprocessing", [])])
def test_other_trainings_are_not_on_one_line(field, value):
    training = {"epochs": 512, "optimizer": {"name": "adam"}, "preprocessing": [{"name": "zca_whitening"}]}
    few = content("cifar10_conv_small-4000_vat", [run(1.0)], num_labels=4000, **training)
    whole = content("cifar10_conv_small-all_vat", [run(1.0)], num_labels=None, **training)
    assert len(by_labels([few, whole])) == 1
    whole["recipe"][field] = value
    assert not by_labels([few, whole])


def test_a_line_with_changed_settings_has_an_asterisk():
    names = ("mnist_ladder-100_full", "mnist_ladder-all_full")
    few, whole = ({**content(name, [run(1.0)]), "recipe": recipes.get(name).as_dict()} for name in names)
    assert "mnist_ladder-full 1.00, 1.00" in errors_by_labels([few, whole]).alt
    few["recipe"]["learning_rate"] = whole["recipe"]["learning_rate"] = 0.5
    picture = errors_by_labels([few, whole])
    assert "mnist_ladder-full * 1.00, 1.00" in picture.alt and "Asterisk" in picture.alt


def test_labels_run_from_the_fewest_to_all():
    contents = [
        content("mnist_ladder-all_full", [run(0.5)], 0.6, num_labels=None),
        content("mnist_ladder-1000_full", [run(0.75)], 0.8, num_labels=1000),
        content("mnist_ladder-50_full", [run(2.0)], num_labels=50),
    ]
    ax = errors_by_labels(contents).figure.axes[0]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["50", "1000", "all"]
    np.testing.assert_array_equal(lines(ax)["mnist_ladder-full, published"], [0.8, 0.6])


def test_times_of_other_devices_are_left_out():
    slow = {**run(0.1, seconds=99.0), "device": "another"}
    contents = [content("a-vat", [run(1.0, 2.0), run(2.0, 4.0), slow]), content("a-at", [run(3.0)])]
    assert training_seconds(contents) == ("CPU, jax", [[2.0, 4.0], [1.0]])
    alt = errors_by_method(contents, "").alt
    assert "vat 1.03 in 3 s" in alt and "99" not in alt


def test_times_cover_the_full_training():
    contents = [content("a-ensemble", [run(1.0, 0.5, 50)]), content("a-vat", [run(0.5, 2.0, 10)])]
    picture = errors_by_method(contents, "")
    assert "vat 0.50 in 20 s, ensemble 1.00 in 25 s." in picture.alt
    (_, vat), (_, ensemble) = [line.get_xdata() for line in picture.figure.axes[1].lines[::2]]
    assert (ensemble, vat) == (20.0, 25.0)  # the lowest error is on top, in the last row


def test_methods_that_none_beats_in_both_are_bold():
    contents = [
        content("a-fast", [run(3.0, 1.0)]),
        content("a-good", [run(1.0, 3.0)]),
        content("a-poor", [run(3.5, 3.0)]),
    ]
    ticks = errors_by_method(contents, "").figure.axes[0].get_yticklabels()
    assert {tick.get_text() for tick in ticks if tick.get_fontweight() == "bold"} == {"fast", "good"}


@pytest.mark.parametrize("seconds", [(1.0, 50000.0), (161.0, 316.0), (2.0, 2.5), (7.0, 7.0)])
def test_axes_of_time_have_few_readable_ticks(seconds):
    contents = [content(f"a-{each}", [run(1.0, each)]) for each in dict.fromkeys(seconds)] + [
        content("a-x", [run(1.0)])
    ]
    ax = errors_by_method(contents, "").figure.axes[1]
    low, high = ax.get_xlim()
    shown = [tick for tick in ax.get_xticks() if low <= tick <= high]
    assert 1 <= len(shown) <= 4 and ax.get_xscale() == "log"


def test_rows_of_one_method_say_what_differs_and_changed_settings_have_an_asterisk():
    names = ["mnist_ladder-100_full", "mnist_ladder_10ep-100_full", "mnist_ladder-100_gamma"]
    names += ["cifar10_conv_small-4000_vat", "cifar10_conv_large-4000_vat"]
    contents = [{**content(name, [run(1.0)]), "recipe": recipes.get(name).as_dict()} for name in names]
    contents[2]["recipe"]["epochs"] = 3
    ticks = errors_by_method(contents, "").figure.axes[0].get_yticklabels()
    assert sorted(tick.get_text() for tick in ticks) == [
        "100_full, 10 epochs",
        "100_full, 150 epochs",
        "100_gamma *",
        "4000_vat, conv_large",
        "4000_vat, conv_small",
    ]


def test_one_method_is_no_comparison():
    assert errors_by_method([content("a-vat", [run(1.0)])], "") is None


def test_frontier():
    points = {"fast": (1, 3), "good": (3, 1), "both": (2, 2), "beaten": (3, 2), "twin": (1, 3)}
    assert frontier(points) == {"fast", "good", "both", "twin"}
