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


def survives(path: Path, names: list[str], least_seconds: float = _LEAST_SECONDS) -> bool:
    """Tell whether the objects of an HDF5 file can be read without a crash and in time; errors are no crash.

    Parameters
    ----------
    path : path
    names : list of str
        Groups and datasets that will be read, with all below them.
    least_seconds : float
        Time that a small file gets; a large one gets more.
    """
    seconds = max(least_seconds, path.stat().st_size / _SLOWEST_BYTES_PER_SECOND)
    # -P: the modules beside this one must not be taken for top-level ones.
    command = [sys.executable, "-P", __file__, str(path), *names]
    try:
        # Its complaints are those that the reading itself will meet again, so nobody needs them here.
        ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return ended.returncode >= 0


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
