"""Damage to small files, drawn by hypothesis: in their texts, and in every layer that these are packed in."""

import gzip
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hypothesis import strategies as st

SEPARATOR = re.compile(rb"([\t,:\n])")
ODD = (
    b"",
    b" ",
    b"NA",
    b"nan",
    b"-inf",
    b"1e400",
    b"3.5e38",
    b"1e30",
    b"-1",
    b"0",
    b"9" * 400,
    b"1" + b"0" * 5000,
    b"0x1F",
    b"1_000",
    b"1 000",
    b"true",
    b"None",
    b"null",
    b"[]",
    b"{}",
    b"[" * 5000,
    b"#",
    b"!",
    b"?|1",
    b"A///B",
    b"---",
    b"=1+1",
    b"../../x",
    b"http://[",
    b'"',
    b'""',
    b'"x',
    b"'",
    b'"a\nb"',
    b'"a\tb"',
    b"\\",
    b"\0",
    b"a\0b",
    b"\x1b[2J",
    b"\x0b",
    b"\x1a",
    b"\r",
    b"\n",
    b"\n\n",
    b"\t",
    b",",
    b"\xff",
    b"\xc3",
    b"\xe9t\xe9",
    b"\xed\xa0\x80",
    "\u2028".encode(),
    "\u0663".encode(),
    "\ufeff".encode(),
    "\U0001f9ec".encode(),
    b"x" * 70_000,
    b"TCGA-OR-A5J1-11A-11R-A29S-07",
    b"TCGA-",
    b"\x1f\x8b\x08",
    b"PK\x03\x04",
    b"\x89HDF\r\n\x1a\n",
    b"PAR1",
    b"<html>",
)


class Damage(NamedTuple):
    """One damage: the piece that it hits, what it does, two places (taken modulo what is there) and new bytes."""

    where: str
    how: str
    place: int
    other: int
    new: bytes


@dataclass(frozen=True)
class Piece:
    """A part of a file: its content, or the pieces that are packed into it.

    `text` tells whether lines and cells can be damaged too; `fixed` pieces stay as they are.
    """

    name: str
    content: "bytes | tuple[Piece, ...]"
    pack: Callable[[list[bytes]], bytes] = b"".join
    text: bool = True
    fixed: bool = False

    def walk(self) -> "list[Piece]":
        """Return this piece and all within it."""
        inner = [] if isinstance(self.content, bytes) else self.content
        return [self, *(found for piece in inner for found in piece.walk())]

    def build(self, damages: Sequence[Damage] = ()) -> bytes:
        """Pack the damaged pieces and damage the outcome."""
        content = self.content
        if not isinstance(content, bytes):
            content = self.pack([piece.build(damages) for piece in content])
        for damage in damages:
            if damage.where == self.name:
                content = ANY[damage.how](content, damage.place, damage.other, damage.new)
        return content


def packed(name, pack, *pieces):
    """Return a piece that others are packed into."""
    return Piece(name, pieces, pack, text=False)


def cut(content, place, other, new):
    return content[: place % (len(content) + 1)]


def cut_start(content, place, other, new):
    return content[place % (len(content) + 1) :]


def delete(content, place, other, new):
    start = place % (len(content) + 1)
    return content[:start] + content[start + 1 + other % 20 :]


def insert(content, place, other, new):
    start = place % (len(content) + 1)
    return content[:start] + new + content[start:]


def overwrite(content, place, other, new):
    start = place % (len(content) + 1)
    return content[:start] + new + content[start + len(new) :]


def change_byte(content, place, other, new):
    start = place % (len(content) + 1)
    return content[:start] + bytes([other % 256]) + content[start + 1 :]


def flip_bit(content, place, other, new):
    start = place % len(content) if content else 0
    return (
        content[:start] + bytes(byte ^ (1 << other % 8) for byte in content[start : start + 1]) + content[start + 1 :]
    )


def blank(content, place, other, new):
    start, length = place % (len(content) + 1), 1 + other % 600
    return content[:start] + b"\0" * len(content[start : start + length]) + content[start + length :]


def repeat_part(content, place, other, new):
    start, source = place % (len(content) + 1), other % (len(content) + 1)
    return content[:start] + content[source : source + 64] + content[start:]


def gzip_again(content, place, other, new):
    return gzip.compress(content, mtime=0)


def repeat_all(content, place, other, new):
    return content + content


def repeat_line(content, place, other, new):
    lines = content.splitlines(keepends=True) or [b""]
    line = place % len(lines)
    return b"".join(lines[:line] + lines[line : line + 1] * (2 + other % 3) + lines[line + 1 :])


def drop_line(content, place, other, new):
    lines = content.splitlines(keepends=True) or [b""]
    return b"".join(line for number, line in enumerate(lines) if number != place % len(lines))


def swap_lines(content, place, other, new):
    lines = content.splitlines(keepends=True) or [b""]
    one, two = place % len(lines), other % len(lines)
    lines[one], lines[two] = lines[two], lines[one]
    return b"".join(lines)


def odd_cell(content, place, other, new):
    cells = SEPARATOR.split(content)
    cells[place % len(cells) // 2 * 2] = new
    return b"".join(cells)


def copy_cell(content, place, other, new):
    """Give a cell the content of another: repeated ids, numbers for texts, texts for numbers."""
    cells = SEPARATOR.split(content)
    cells[place % len(cells) // 2 * 2] = cells[other % len(cells) // 2 * 2]
    return b"".join(cells)


def drop_cell(content, place, other, new):
    cells = SEPARATOR.split(content)
    start = place % len(cells) // 2 * 2
    return b"".join(cells[:start] + cells[start + 2 :])


def odd_column(content, place, other, new):
    """Replace the cells of a column, below the header or with it."""
    rows = [SEPARATOR.split(line) for line in content.split(b"\n")]
    for row in rows[other % 2 :]:
        if len(row) > 1:
            row[place % len(row) // 2 * 2] = new
    return b"\n".join(b"".join(row) for row in rows)


def other_delimiter(content, place, other, new):
    old, new = [(b"\t", b","), (b",", b"\t"), (b"\t", b" "), (b",", b";"), (b"\t", b"\t\t"), (b'"', b"")][place % 6]
    if other % 2:
        return content.replace(old, new)
    lines = content.split(b"\n")
    lines[other % len(lines)] = lines[other % len(lines)].replace(old, new)
    return b"\n".join(lines)


def other_line_ends(content, place, other, new):
    return content.replace(b"\n", [b"\r\n", b"\r", b"\n\n", b"\n\r", b"", "\u2028".encode()][place % 6])


def other_encoding(content, place, other, new):
    name = ["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp500"][place % 5]
    return content.decode("latin-1").encode(name)


BYTES = {
    function.__name__: function
    for function in (
        cut,
        cut_start,
        delete,
        insert,
        overwrite,
        change_byte,
        flip_bit,
        blank,
        repeat_part,
        repeat_all,
        gzip_again,
    )
}
TEXTS = {
    function.__name__: function
    for function in (
        odd_cell,
        copy_cell,
        drop_cell,
        odd_column,
        repeat_line,
        drop_line,
        swap_lines,
        other_delimiter,
        other_line_ends,
        other_encoding,
    )
}
ANY = BYTES | TEXTS


@st.composite
def one_damage(draw, pieces):
    # Contents are hit more often than their packing, damage to which is nearly always found by checksums.
    contents = [piece for piece in pieces if isinstance(piece.content, bytes)]
    piece = draw(st.sampled_from(contents) | st.sampled_from(pieces))
    how = draw(st.sampled_from([*TEXTS, *BYTES] if piece.text else [*BYTES]))
    place, other = draw(st.integers(0, 65_535)), draw(st.integers(0, 65_535))
    new = draw(st.sampled_from(ODD) | st.binary(min_size=1, max_size=8))
    return Damage(piece.name, how, place, other, new)


def damages(files: Sequence[Piece]) -> st.SearchStrategy[list[Damage]]:
    """Draw one to four damages of pieces that are not fixed."""
    pieces = [piece for file in files for piece in file.walk() if not piece.fixed]
    return st.lists(one_damage(pieces), min_size=1, max_size=4)
