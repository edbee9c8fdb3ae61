"""The colors of pictures can be read, and their settings stay inside."""

import matplotlib
import numpy as np
import pytest

from trainers.pictures.style import COLORS, GRAY, INK, ON_DARK, new_figure, styled


def luminance(color):
    """Relative luminance of `#rrggbb`, by the definition of the accessibility guidelines."""
    channels = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("color", ON_DARK)
def test_text_in_every_color_is_legible_on_light_and_on_dark(color):
    assert contrast(color, "#ffffff") >= 4.5 and contrast(ON_DARK[color], "#0d1117") >= 4.5


def test_names_of_colors():
    assert {INK, GRAY, *COLORS} == set(ON_DARK) and len(COLORS) == 6


def test_style_stays_inside():
    before = matplotlib.rcParams["svg.fonttype"]
    styled(new_figure)(2)
    assert matplotlib.rcParams["svg.fonttype"] == before
