"""Reading of packed bytes: bounds on what they unpack to, and sentences for damage that shows on the way."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gexflow.errors import InputError, shorten

_FREE_BYTES = 64 << 20  # so little is no bomb, however small the archive


@contextmanager
def in_sentences(path: Path) -> Iterator[None]:
    """Turn what the standard library raises for a damaged archive into an `InputError`.

    The archive alone is read within, so whichever of their many exceptions the libraries raise, the file is at fault.
    """
    try:
        yield
    except InputError:
        raise
    except PermissionError:
        raise InputError(f"{path} cannot be read (permission denied): give yourself the right to read it.") from None
    except NotImplementedError as error:
        reason = shorten(str(error))
        raise InputError(f"{path} is packed in a way that cannot be read here ({reason}): unpack it by hand.") from None
    except EOFError:
        raise InputError(f"{path} is an archive that ends too early: delete it and fetch it again.") from None
    except Exception as error:
        reason = shorten(str(error) or type(error).__name__)
        raise InputError(f"{path} is a damaged archive ({reason}): delete it and fetch it again.") from None


@dataclass
class Budget:
    """How much one layer of an archive may unpack to.

    Attributes
    ----------
    path : path
        The archive, for messages.
    most_bytes : int
        Bound on the unpacked bytes.
    most_times : float
        Bound as a multiple of the size on disk; 64 MiB are free.
    packed_bytes : int
        Size on disk.
    """

    path: Path
    most_bytes: int
    most_times: float
    packed_bytes: int

    def check(self, unpacked_bytes: int) -> None:
        """Raise an `InputError` where a layer has unpacked to more than a bound."""
        if unpacked_bytes > self.most_bytes:
            raise InputError(
                f"{self.path} unpacks to more than {self.most_bytes / 1e9:.3g} GB, the most that is allowed: "
                "is it the right file?"
            )
        if unpacked_bytes > max(_FREE_BYTES, self.most_times * self.packed_bytes):
            raise InputError(
                f"{self.path} unpacks to more than {self.most_times:g} times its size, as archives made to fill "
                "memories do: fetch it from its publisher."
            )


class Unpacked(io.RawIOBase):
    """What a packed stream unpacks to, within a budget; its reading raises no other error than `InputError`."""

    def __init__(self, source: BinaryIO, budget: Budget) -> None:
        self._source, self._budget, self._count = source, budget, 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer and return how many bytes came."""
        with in_sentences(self._budget.path):
            content = self._source.read(len(buffer))
        self._count += len(content)
        self._budget.check(self._count)
        buffer[: len(content)] = content
        return len(content)
