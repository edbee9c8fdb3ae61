"""Pictures of networks: panels show the given arrays."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from trainers.pictures import boundaries, classes, ladder, methods, movements, perturbations, theory
from trainers.pictures.files import png
from zoo.analysis import Estimate
from zoo.ladder.denoising import Level

rng = np.random.default_rng(0)


def distribution(n, k=3):
    values = rng.uniform(size=(n, k))
    return values / values.sum(axis=-1, keepdims=True)


def titles(picture):
    return [ax.get_title() for ax in picture.figure.axes]


def test_titles_show_decision_and_confidence_and_mistakes_are_red():
    clean = rng.uniform(size=(2, 6, 6, 1))
    versions = {"clean": clean, "worst": clean + 0.25}
    sure, mistaken = np.array([[0.1, 0.9], [0.75, 0.25]]), np.array([[0.6, 0.4], [0.2, 0.8]])
    picture = perturbations.perturbed_inputs(versions, {"clean": sure, "worst": mistaken}, np.array([1, 1]), "s", "t")
    assert titles(picture)[:2] == ["clean\n1, 90 %", "worst\n0, 60 % ✗"]
    colors = [ax.title.get_color() for ax in picture.figure.axes]
    assert colors[0] != colors[1] == perturbations.RED  # right, wrong
    assert "label 1, clean: 0, 75 %" in picture.alt
    shown = picture.figure.axes[2].images[0].get_array(), picture.figure.axes[3].images[0].get_array()
    np.testing.assert_allclose(shown[0], 0.5)  # no perturbation is gray
    np.testing.assert_allclose(shown[1], 1.0)  # the largest one is white


@pytest.mark.parametrize("shape", [(3, 20), (3, 8, 9, 1), (3, 8, 9, 3)])
def test_signals_and_images_are_drawn(shape):
    inputs = rng.normal(size=shape)
    versions, found = (
        {"clean": inputs, "b": inputs + 1, "c": -inputs},
        {k: distribution(3) for k in ("clean", "b", "c")},
    )
    labels = np.arange(3)
    pictures = [
        perturbations.perturbed_inputs(versions, found, labels, "s", "t"),
        movements.sample_pairs(inputs, -inputs, labels, found["b"], found["c"], "s", "t"),
    ]
    assert all(png(picture) and picture.alt for picture in pictures)


def test_signals_of_two_classes_are_drawn_as_given():
    signals = {0: rng.normal(size=20), 1: rng.normal(size=20)}
    picture = classes.signals_of_classes(signals, "Look.", "t")
    for line, (label, signal) in zip(picture.figure.axes[0].lines, signals.items(), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), signal)
        assert line.get_label() == f"label {label}"
    assert png(picture) and picture.alt == "One signal with label 0 and one with label 1. Look."


def test_arrows_show_where_content_goes():
    """Each position takes the value from p + V: with V one row down, the content moves one row up."""
    field = np.zeros((9, 9, 2))
    field[..., 0] = 1.0
    image = np.zeros((9, 9, 1))
    image[4] = 1.0
    moved = np.roll(image, -1, axis=0)
    picture = movements.movement_fields(
        image, {"shift": field}, {"shift": moved}, dict.fromkeys(("clean", "shift"), distribution(1)[0]), 1, "t"
    )
    before, after, _difference = picture.figure.axes
    (arrows,) = [each for each in before.collections if hasattr(each, "U")]
    np.testing.assert_array_equal(arrows.U, 0)
    np.testing.assert_array_equal(arrows.V, -1)
    assert before.yaxis_inverted() and arrows.angles == "xy"  # rows count downward, so a negative V points up
    np.testing.assert_array_equal(after.images[0].get_array(), moved[..., 0])


def test_ladder_bars_are_the_mean_squares():
    clean = rng.uniform(size=(4, 12))
    levels = [Level(clean, clean + 0.5, clean - 0.25), Level(clean, clean + 2, None), Level(clean, clean + 1, clean)]
    picture = ladder.reconstructions(levels, (3, 4, 1), "t", num_images=3)
    bars = [bar.get_height() for bar in picture.figure.axes[-1].patches]
    np.testing.assert_allclose(bars, [0.25, 1, 0.0625, 0], atol=1e-12)
    np.testing.assert_array_equal(
        picture.figure.axes[4].images[0].get_array(), (clean[1].reshape(3, 4) + 0.5).clip(0, 1)
    )


def test_combinators_have_a_panel_per_level():
    z = np.linspace(-1, 1, 5)
    picture = ladder.combinators({0: np.stack([z, 2 * z]), 3: z[None] / 2}, z, (0, 1), "t")
    assert titles(picture) == ["level 0", "level 3"]
    assert "level 0 1.50, level 3 0.50" in picture.alt


def test_boundaries_have_a_panel_per_method_with_its_error():
    grid = np.linspace(0, 1, 12).reshape(3, 4)
    points, labeled = rng.normal(size=(7, 2)), (rng.normal(size=(4, 2)), np.array([0, 1, 0, 1]))
    shades = dict.fromkeys(("plain", "VAT"), grid)
    picture = boundaries.decision_boundaries(shades, (-1, 1, -1, 1), points, labeled, {"plain": 12.5, "VAT": 3.0}, "t")
    assert titles(picture) == ["plain\n12.5 %", "VAT\n3.0 %"]
    np.testing.assert_array_equal(picture.figure.axes[0].images[0].get_array(), grid)


def test_ratios_are_drawn_with_their_error():
    epsilons, means = np.array([0.1, 1.0]), np.array([1.0, 0.5])
    ratios = {"noise": (epsilons, Estimate(means, np.array([0.25, 0.125]), 8))}
    picture = theory.limit_ratios(ratios, "t")
    one, line = picture.figure.axes[0].lines
    np.testing.assert_array_equal(line.get_ydata(), means)
    assert one.get_ydata()[0] == 1
    band = picture.figure.axes[0].collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (0.375, 1.25)


def test_what_methods_add_and_remove_has_a_color():
    """White stays white; an added pixel is orange, a removed one blue; without a reference the image is as it is."""
    reference = np.array([[1.0, 0.0], [1.0, 0.0]])[..., None]
    image = np.array([[1.0, 1.0], [0.0, 0.0]])[..., None]
    panels = {
        "moved": methods.Panel(image, reference, np.array([0.75, 0.25])),
        "noise": methods.Panel(image, None, None),
    }
    picture = methods.what_methods_do(panels, 1, 2.0, 1.5, "t")
    moved, noise = (ax.images[0].get_array() for ax in picture.figure.axes)
    expected = [[(1, 1, 1), to_rgb(methods.ADDED)], [to_rgb(methods.REMOVED), (0, 0, 0)]]
    np.testing.assert_allclose(moved, expected, atol=1e-9)
    np.testing.assert_allclose(noise, image * np.ones(3))
    assert titles(picture) == ["moved\n0, 75 % ✗", "noise"]
    assert "L2 norm 2, and their colors are 3 times" in picture.alt and "moved: 0, 75 %." in picture.alt
