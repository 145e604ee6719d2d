"""The figure of samples as image networks see them: one sample a class, on every layout in use, in shades of grey."""

import base64
import xml.etree.ElementTree as ET

import numpy as np

from gexflow.figure_style import FAINT, INK, MUTED
from gexflow.small_png import small_png

_SHADES = 15  # as many as a small picture holds beside its clear pixels
_GREYS = [(grey, grey, grey) for grey in np.linspace(0, 255, _SHADES).round().astype(int).tolist()]
_WIDTH, _GAP, _BETWEEN, _HEAD, _NAMES, _FOOT = 662.0, 14.0, 3.0, 16.0, 21.0, 24.0  # points
_SIDES = ((4, 140.0), (12, 92.0))  # up to so many classes, a picture's longer side is about so many points
_SMALLEST = 68.0
_SCREEN = 1.5  # pixels of a screen a point, on the report's page
_TINY = 5.0
_LETTER = 0.58  # width of an average letter, as a share of the font's size


def draw_images(
    images: dict[str, np.ndarray], classes: list[str], samples: list[str], absent: list[str] | None = None
) -> str:
    """Draw samples as pictures, those of one sample side by side.

    Parameters
    ----------
    images : {heading: float array (samples, rows, columns)}
        The same samples on one or more layouts of one shape; NaN on pixels without a gene.
    classes, samples : lists of str, one a sample
    absent : list of str
        Classes without a sample to show.

    Returns
    -------
    str
        An SVG document. One scale holds for all pictures: the lowest value shown is black, the highest white; pixels
        without a gene are hatched.
    """
    shown = np.concatenate([table[~np.isnan(table)] for table in images.values()])
    low, high = float(shown.min()), float(shown.max())
    wide, tall = _sides(len(classes), *next(iter(images.values())).shape[1:])
    cell = len(images) * wide + (len(images) - 1) * _BETWEEN
    across = max(1, min(len(classes), int((_WIDTH + _GAP) // (cell + _GAP))))
    down = -(-len(classes) // across)
    width = max(across * (cell + _GAP) - _GAP, 330.0)
    height = _HEAD + down * (_NAMES + tall + _GAP) + _FOOT + (12 if absent else 0)
    root = _canvas(width, height)
    for column in range(across):
        for place, heading in enumerate(images):
            _text(root, column * (cell + _GAP) + place * (wide + _BETWEEN), 9, heading, wide, 6.5, MUTED)
    for number, (name, sample) in enumerate(zip(classes, samples, strict=True)):
        x = number % across * (cell + _GAP)
        y = _HEAD + number // across * (_NAMES + tall + _GAP)
        _text(root, x, y + 8, name, cell, 8, INK)
        _text(root, x, y + 17, sample, cell, 6.5, MUTED)
        for place, table in enumerate(images.values()):
            pixels = shades(table[number], low, high)
            _picture(root, x + place * (wide + _BETWEEN), y + _NAMES, wide, tall, pixels)
    _scale(root, height - _FOOT - (12 if absent else 0) + 6, low, high)
    if absent:
        _text(root, 0, height - 4, f"no test sample in this fold: {', '.join(absent)}", width, 6.5, MUTED)
    return ET.tostring(root, encoding="unicode")


def _sides(classes: int, rows: int, columns: int) -> tuple[float, float]:
    """Return width and height of a picture in points, best so that its pixels cover as many of the screen's each."""
    wanted, pixels = next((side for most, side in _SIDES if classes <= most), _SMALLEST), max(rows, columns)
    even = max(1, round(wanted * _SCREEN / pixels)) * pixels / _SCREEN
    side = even if even <= 1.5 * wanted else wanted
    return side * columns / pixels, side * rows / pixels


def shades(image: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return the number of each pixel's shade, 1 (`low`) to 15 (`high`), and 0 where there is no value."""
    share = (image - low) / (high - low) if high > low else np.where(np.isnan(image), np.nan, 0.5)
    return np.where(np.isnan(share), 0, np.clip(np.nan_to_num(share) * _SHADES, 0, _SHADES - 1).astype(int) + 1)


def _canvas(width: float, height: float) -> ET.Element:
    size = {"width": f"{width:g}pt", "height": f"{height:g}pt", "viewBox": f"0 0 {width:g} {height:g}"}
    font = {"style": "font-family: 'DejaVu Sans', sans-serif; font-size: 8px"}
    root = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **size, **font})
    hatch = {"id": "hatch", "width": "3", "height": "3", "patternUnits": "userSpaceOnUse"}
    pattern = ET.SubElement(ET.SubElement(root, "defs"), "pattern", {**hatch, "patternTransform": "rotate(45)"})
    ET.SubElement(pattern, "path", {"d": "M0 0V3", "style": f"stroke: {MUTED}; stroke-width: 0.9"})
    return root


def _text(root: ET.Element, x: float, y: float, text: str, width: float, size: float, colour: str) -> None:
    size = min(size, max(_TINY, width / (_LETTER * len(text))))  # a long name shrinks before it is cut
    most = max(4, int(width / (_LETTER * size)))
    text = text if len(text) <= most else text[: most - 1] + "\u2026"
    style = f"font-size: {size:.3g}px; fill: {colour}"
    ET.SubElement(root, "text", {"x": f"{x:g}", "y": f"{y:g}", "style": style}).text = text


def _rectangle(root: ET.Element, x: float, y: float, width: float, height: float, style: str) -> None:
    places = {"x": f"{x:g}", "y": f"{y:g}", "width": f"{width:g}", "height": f"{height:g}"}
    ET.SubElement(root, "rect", {**places, "style": style})


def _picture(root: ET.Element, x: float, y: float, wide: float, high: float, pixels: np.ndarray) -> None:
    """Draw one picture; where it is clear, the hatching shows through."""
    if (pixels == 0).any():
        _rectangle(root, x, y, wide, high, "fill: url(#hatch)")
    places = {"x": f"{x:g}", "y": f"{y:g}", "width": f"{wide:g}", "height": f"{high:g}"}
    data = base64.b64encode(small_png(pixels, _GREYS)).decode()
    ET.SubElement(
        root, "image", {**places, "href": f"data:image/png;base64,{data}", "style": "image-rendering: pixelated"}
    )
    _rectangle(root, x, y, wide, high, f"fill: none; stroke: {FAINT}; stroke-width: 0.6")


def _scale(root: ET.Element, y: float, low: float, high: float) -> None:
    """Draw the scale of all pictures: the lowest value, the shades, the highest value; and what hatching means."""
    _text(root, 0, y + 8, f"value {low:.3g}", 70, 6.5, INK)
    for number, (grey, _, _) in enumerate(_GREYS):
        _rectangle(root, 50 + 7 * number, y, 7, 10, f"fill: #{grey:02x}{grey:02x}{grey:02x}")
    _rectangle(root, 50, y, 7 * _SHADES, 10, f"fill: none; stroke: {MUTED}; stroke-width: 0.6")
    _text(root, 54 + 7 * _SHADES, y + 8, f"{high:.3g}", 60, 6.5, INK)
    _rectangle(root, 205, y, 14, 10, f"fill: url(#hatch); stroke: {MUTED}; stroke-width: 0.6")
    _text(root, 223, y + 8, "pixel without a gene", 90, 6.5, INK)
