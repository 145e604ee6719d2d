"""Memory of the C library: what a job frees in one step or fold it needs again in the next."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # mallopt(3)
_LARGE = 1 << 26  # bytes of a block that is given back at once: kept, its place would be cut up by smaller ones


def keep_freed_memory() -> None:
    """Tell glibc to keep freed memory instead of giving it back, which costs a page fault for every 4 kB at each use.

    A training step of GexpNet frees and takes about 50 MB. Elsewhere than on Linux with glibc nothing changes.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGE)
        mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)
        mallopt(_ARENA_MAX, 1)  # what one thread frees another one takes
