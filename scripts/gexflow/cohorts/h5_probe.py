"""A first reading of an HDF5 file in a process of its own, because a damaged one can crash or hang the C library.

Of 40,000 random damages of a small h5ad file, 154 ended in a segmentation fault or an endless loop (HDF5 2.0).
This file is also the program of that process, so it imports little.
"""

import subprocess
import sys
from pathlib import Path

_BLOCK_BYTES = 32 << 20
_LEAST_SECONDS = 30.0
_SLOWEST_BYTES_PER_SECOND = 5e6


def find_damage(path: Path, names: list[str], least_seconds: float = _LEAST_SECONDS) -> str:
    """Say why objects of an HDF5 file cannot be read; "" if they can.

    Any error counts: past it, another way to the same objects may crash.

    Parameters
    ----------
    path : path
    names : list of str
        Groups and datasets that will be read, with all below them; those that the file lacks are passed over.
    least_seconds : float
        Time that a small file gets; a large one gets more.
    """
    seconds = max(least_seconds, path.stat().st_size / _SLOWEST_BYTES_PER_SECOND)
    # -P: the modules beside this one must not be taken for top-level ones.
    command = [sys.executable, "-P", __file__, str(path), *names]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=seconds)
    except subprocess.TimeoutExpired:
        return "the HDF5 library hangs on it"
    if ended.returncode < 0:
        return "the HDF5 library crashes on it"
    return "" if ended.returncode == 0 else (ended.stderr.strip().splitlines() or ["it cannot be read"])[-1]


def touch(path: str, names: list[str]) -> None:
    """Read objects of an HDF5 file and throw them away."""
    import h5py

    def visit(_: str, node: object) -> None:
        dict(node.attrs)
        if isinstance(node, h5py.Dataset):
            _touch_values(node)

    with h5py.File(path, "r") as file:
        for group in ("/", "layers"):
            list(file.get(group, []))
        for name in names:
            if name in file:
                visit(name, file[name])
                if isinstance(file[name], h5py.Group):
                    file[name].visititems(visit)


def _touch_values(node: object) -> None:
    if node.shape is None:
        return
    if not node.shape:
        node[()]
        return
    # Numbers in one piece are copied as they are: nothing is parsed that could go wrong.
    count = 1 if node.chunks is None and node.dtype.kind in "fiu" else len(node)
    step = max(1, _BLOCK_BYTES // max(1, node.dtype.itemsize * node.size // max(1, len(node))))
    if node.chunks is not None:
        step = -(-step // node.chunks[0]) * node.chunks[0]
    for first in range(0, count, step):
        node[first : min(first + step, count)]


if __name__ == "__main__":
    touch(sys.argv[1], sys.argv[2:])
