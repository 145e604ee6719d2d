"""Height and width of a layout, for those who lay genes out and those who draw their images."""

from math import ceil, sqrt


def layout_shape(size: int | str | list[int], genes: int) -> tuple[int, int]:
    """Return height and width in pixels.

    Parameters
    ----------
    size : int, "auto" or [rows, columns]
        Side of a square, the smallest square that holds all genes, or a rectangle.
    genes : int
    """
    if isinstance(size, (list, tuple)):
        height, width = size
        return int(height), int(width)
    side = ceil(sqrt(genes)) if size == "auto" else int(size)
    return side, side
