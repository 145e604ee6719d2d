"""Small pictures of few colours as PNG: a pixel takes half a byte, so that many of them fit into a page."""

import struct
import zlib

import numpy as np

MOST_COLOURS = 16


def small_png(pixels: np.ndarray, colours: list[tuple[int, int, int]]) -> bytes:
    """Write a picture as PNG, without loss.

    Parameters
    ----------
    pixels : int array (rows, columns)
        0 for a clear pixel, else the number of a colour from 1.
    colours : list of (red, green, blue), 0 to 255, at most 15

    Notes
    -----
    The format is that of the PNG specification (W3C, 3rd edition): indexed colour, 4 bits a pixel, no filter.
    """
    rows, columns = pixels.shape
    if len(colours) >= MOST_COLOURS or pixels.min() < 0 or pixels.max() > len(colours):
        raise ValueError(f"a small picture has at most {MOST_COLOURS - 1} colours, numbered from 1")
    padded = np.zeros((rows, columns + columns % 2), dtype=np.uint8)
    padded[:, :columns] = pixels
    packed = padded[:, ::2] << 4 | padded[:, 1::2]
    lines = np.hstack([np.zeros((rows, 1), dtype=np.uint8), packed])  # each line begins with its filter: none
    palette = bytes(value for colour in [(0, 0, 0), *colours] for value in colour)
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", columns, rows, 4, 3, 0, 0, 0)),
        (b"PLTE", palette),
        (b"tRNS", b"\0"),  # colour 0 is clear
        (b"IDAT", zlib.compress(lines.tobytes(), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
