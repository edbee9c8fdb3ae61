"""Files of pictures: readable on light and dark pages, reproducible, and with their descriptions."""

import io
import xml.etree.ElementTree as ElementTree

import matplotlib.image
import numpy as np
import pytest

from trainers.pictures import style
from trainers.pictures.style import COLORS, INK, Picture, new_figure, png, styled, svg


@styled
def line():
    figure, axes = new_figure(2)
    axes[0, 0].plot([0, 1], [2, 3], color=COLORS[0])
    axes[0, 0].set_xlabel("an axis")
    return Picture(figure, "A <line>", "It rises & ends.")


def luminance(color):
    """Relative luminance of `#rrggbb`, by the definition of the accessibility guidelines."""
    channels = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("color", COLORS)
def test_colors_are_seen_on_light_and_on_dark(color):
    """Graphics need a contrast of 3. Sky blue, used for labeled lines only, may have slightly less on white."""
    assert contrast(color, "#0d1117") > 3 and contrast(color, "#ffffff") > 2.6


def test_svg_follows_the_theme_and_has_no_background():
    text = svg(line(), "python -m this")
    root = ElementTree.fromstring(text)
    assert "prefers-color-scheme:dark" in text and "currentColor" in text
    assert INK not in text.replace(f"svg{{color:{INK}}}", "")
    assert "fill: #ffffff" not in text
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "A <line>"
    assert "It rises &amp; ends." in text and "python -m this" in text
    assert "an axis" in text  # text stays text


def test_svg_is_the_same_every_time():
    assert svg(line()) == svg(line())


def test_png_is_on_white():
    pixels = matplotlib.image.imread(io.BytesIO(png(line())))
    np.testing.assert_array_equal(pixels[0, 0], 1)
    assert pixels[..., :3].min() < 0.3


def test_style_stays_inside():
    before = style.matplotlib.rcParams["svg.fonttype"]
    line()
    assert style.matplotlib.rcParams["svg.fonttype"] == before
