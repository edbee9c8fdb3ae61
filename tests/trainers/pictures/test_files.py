"""Files of pictures: they follow the theme, are short and reproducible, and have their descriptions."""

import io
import re
import xml.etree.ElementTree as ElementTree

import matplotlib.image
import numpy as np

from trainers.pictures.files import png, svg
from trainers.pictures.style import COLORS, INK, ON_DARK, Picture, new_figure, styled

SVG = "{http://www.w3.org/2000/svg}"


@styled
def line(x=(0, 1), y=(2, 3)):
    figure, axes = new_figure(2)
    axes[0, 0].plot(x, y, color=COLORS[0])
    axes[0, 0].set_xlabel("an axis")
    return Picture(figure, "A <line>", "It rises & ends.")


def test_svg_follows_the_theme_and_has_no_background():
    text = svg(line(), "python -m this")
    root = ElementTree.fromstring(text)
    light, dark = re.search(r"(svg{[^}]*})@media\(prefers-color-scheme:dark\){(svg{[^}]*})}", text).groups()
    assert all(color in light and ON_DARK[color] in dark for color in (INK, COLORS[0]))
    rest = text.replace(light, "").replace(dark, "")
    assert not any(color in rest for color in ON_DARK) and "currentColor" in rest and "var(--c2)" in rest
    assert "fill:#ffffff" not in text
    assert root.findtext(f"{SVG}title") == "A <line>"
    assert "It rises &amp; ends." in text and "python -m this" in text
    assert "an axis" in text  # text stays text


def test_svg_is_the_same_every_time():
    assert svg(line()) == svg(line())


def test_coordinates_are_short_and_true():
    """A line has its points where Matplotlib puts them, to a hundredth of a point."""
    x = np.linspace(0, 1, 40)
    picture = line(x, np.sin(9 * x))
    root = ElementTree.fromstring(svg(picture))
    paths = [path.get("d") for path in root.iter(f"{SVG}path") if path.get("d").count("L") == len(x) - 1]
    (drawn,) = [np.array(re.findall(r"[ML](\S+) (\S+?)(?=L|$)", path), float) for path in paths]
    ax = picture.figure.axes[0]
    pixels = ax.transData.transform(np.stack([x, np.sin(9 * x)], axis=1))
    points = pixels * 72 / picture.figure.dpi
    points[:, 1] = picture.figure.get_figheight() * 72 - points[:, 1]
    np.testing.assert_allclose(drawn, points, atol=0.0051)
    assert not re.search(r"\d\.\d{3}", " ".join(paths))


def test_styles_are_classes():
    text = svg(line())
    assert " style=" not in text
    used = {name for element in ElementTree.fromstring(text).iter() for name in (element.get("class") or "").split()}
    assert used and used == set(re.findall(r"\.(s\d+)\{", text))


def test_png_is_on_white():
    pixels = matplotlib.image.imread(io.BytesIO(png(line())))
    np.testing.assert_array_equal(pixels[0, 0], 1)
    assert pixels[..., :3].min() < 0.3
