"""Text in blocks of whole lines, so that a file of gigabytes passes through little memory."""

from collections.abc import Iterator
from typing import BinaryIO

BLOCK_BYTES = 4 << 20
_LONGEST_LINE_BYTES = 256 << 20


class LineTooLongError(ValueError):
    """A file has no line break where a table would have one."""


def line_blocks(file: BinaryIO, end: bytes = b"", size_bytes: int = BLOCK_BYTES) -> Iterator[bytes]:
    """Give the rest of a file in blocks that end with a line break (the last one may lack it).

    Parameters
    ----------
    file : binary file, open for reading
    end : bytes, lower case
        A line that begins so (in any case) ends the text; it and what follows are not given. If no line does,
        the generator raises `EOFError` at the file's end.
    size_bytes : int
        About the size of a block; a longer line makes a longer block.

    Raises
    ------
    LineTooLongError
        A line exceeds 256 MiB.
    EOFError
        The file ends without the line `end`; a file that decompresses may raise it too.
    """
    for block in _whole_lines(file, size_bytes):
        place = _find_line(block, end) if end else -1
        if place < 0:
            yield block
            continue
        if place:
            yield block[:place]
        return
    if end:
        raise EOFError


def _whole_lines(file: BinaryIO, size_bytes: int) -> Iterator[bytes]:
    parts: list[bytes] = []
    length, newline = 0, b""
    while chunk := file.read(size_bytes):
        newline = newline or (b"\n" if b"\n" in chunk else b"\r" if b"\r" in chunk else b"")
        cut = chunk.rfind(newline) + 1 if newline else 0
        if cut:
            yield b"".join([*parts, chunk[:cut]])
            parts, length = [chunk[cut:]], len(chunk) - cut
        else:
            parts.append(chunk)
            length += len(chunk)
            if length > _LONGEST_LINE_BYTES:
                raise LineTooLongError
    if length:
        yield b"".join(parts)


def _find_line(block: bytes, start: bytes) -> int:
    """Return where the first line that begins with `start` begins, -1 if there is none."""
    place = 0
    while block[place : place + len(start)].lower() != start:
        place = block.find(b"\n" + start[:1], place) + 1
        if place == 0:
            return -1
    return place
