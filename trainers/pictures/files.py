"""The SVG and PNG files of pictures.

A picture has a transparent background. In an SVG file, all colors follow the light or dark theme of the reader.
"""

import io
import re

from trainers.pictures.style import INK, ON_DARK, Picture, styled

NAMES = {color: "currentColor" if color == INK else f"var(--c{index})" for index, color in enumerate(ON_DARK)}
COORDINATES = re.compile(r'(?<= )(d|x|y|points|transform)="([^"]*)"')
SPACE = re.compile(r"\s*([A-Za-z]|$)\s*")  # around the commands of a path
GROUP = re.compile(r'<g id="[^"]*"')  # nothing refers to groups
STYLE_OF = re.compile(r' style="([^"]*)"')
LONG = re.compile(r"-?\d*\.\d{3,}(?!\d*e)")


def declarations(shade: int) -> str:
    """The CSS that gives every color of the palette its shade: 0 on white, 1 on black."""
    shades = {NAMES[color]: (color, on_dark)[shade] for color, on_dark in ON_DARK.items()}
    properties = {"color" if name == "currentColor" else name[4:-1]: value for name, value in shades.items()}
    return "svg{" + ";".join(f"{name}:{value}" for name, value in properties.items()) + "}"


THEMES = f"{declarations(0)}@media(prefers-color-scheme:dark){{{declarations(1)}}}"


def short(attribute: re.Match) -> str:
    """An attribute with its coordinates to a hundredth of a point; factors of scale keep their digits."""
    name, value = attribute.groups()
    if name == "transform" and ("scale" in value or "matrix" in value):
        return attribute[0]
    value = LONG.sub(lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), value)
    if name == "d":
        value = SPACE.sub(r"\1", value)
    return f'{name}="{value}"'


def with_classes(text: str) -> tuple[str, str]:
    """Replaces every `style` attribute by a class; returns the text and the rules of the classes."""
    styles = {style: f"s{index}" for index, style in enumerate(dict.fromkeys(STYLE_OF.findall(text)))}
    rules = "".join(f".{name}{{{style.replace('; ', ';').replace(': ', ':')}}}" for style, name in styles.items())
    return STYLE_OF.sub(lambda found: f' class="{styles[found[1]]}"', text), rules


@styled
def svg(picture: Picture, command: str = "") -> str:
    """The picture as the text of an SVG file that adapts to light and dark themes.

    Args:
        picture: its title and alt text go into the metadata of the file.
        command: that draws the picture; goes into the metadata, too.
    """
    buffer = io.StringIO()
    description = {"Title": picture.title, "Description": picture.alt, "Source": command, "Date": None}
    picture.figure.savefig(buffer, format="svg", metadata=description)
    text = COORDINATES.sub(short, GROUP.sub("<g", buffer.getvalue()))
    for color, name in NAMES.items():
        text = text.replace(color, name)
    text, rules = with_classes(text.replace("'DejaVu Sans'", "'DejaVu Sans',Verdana,sans-serif"))
    text = text.replace('<style type="text/css">', f'<style type="text/css">{THEMES}{rules}', 1)
    return re.sub(r">\s+<", ">\n<", text)


@styled
def png(picture: Picture) -> bytes:
    """The picture as the bytes of a PNG file with a white background."""
    buffer = io.BytesIO()
    description = {"Title": picture.title, "Description": picture.alt}
    picture.figure.savefig(buffer, format="png", dpi=160, facecolor="white", metadata=description)
    return buffer.getvalue()
