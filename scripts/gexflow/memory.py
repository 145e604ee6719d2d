"""Memory of the C library: what a job frees in one step or fold it needs again in the next."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # mallopt(3)


def keep_freed_memory() -> None:
    """Tell glibc to keep freed memory instead of giving it back, which costs a page fault for every 4 kB at each use.

    A training step of GexpNet frees and takes about 50 MB, a fold of a recipe its whole table. Elsewhere than on Linux
    with glibc nothing changes.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 1 << 30)
        mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)
