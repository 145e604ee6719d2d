"""One measured process: make data, run one way once, or compare two results.

    python -m benchmarks.child request.json

The request names item, role (`data`, `ours`, `peer` or `compare`), folder, settings and where the answer goes. What a
process measures is its own: time from the first to the last line of the timed call, and the peak of the whole process
up to the end of that call.
"""

import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import sys
import time
import traceback
from pathlib import Path

import numpy as np

from benchmarks.item import Item, Outcome, Unsuitable, Way, load_arrays

PACKAGES = ["numpy", "scipy", "scikit-learn", "pandas", "anndata", "torch", "qnorm", "pyDeepInsight"]


def peak_bytes() -> int:
    """Return this process' peak memory so far in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def touch_free_memory(input_bytes: int) -> None:
    """Write to free memory in a process that ends before the clock starts.

    A virtual machine may have given it back to its host: to get it again takes some milliseconds a megabyte, a hundred
    times as long as the first use of memory that is there. Either side would pay for it by chance. With inputs as tiny
    as those of the tests there is nothing to pay.
    """
    if input_bytes < 1 << 20:
        return
    size = 8 * input_bytes + (1 << 30)
    if hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        size = min(size, os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
    writing = f"bytearray({size})[::4096] = bytes(len(range(0, {size}, 4096)))"
    subprocess.run([sys.executable, "-S", "-c", writing], check=True)


def measure(way: Way, folder: Path, settings: dict) -> tuple[dict, Outcome]:
    """Run one way once; return what goes into the answer, and the outcome."""
    timed = way(folder, settings)
    touch_free_memory(json.loads((folder / "made.json").read_text())["input_bytes"])
    start = time.perf_counter()
    outcome = timed()
    seconds = time.perf_counter() - start
    answer = {"peak_bytes": peak_bytes(), "seconds": seconds if outcome.seconds is None else outcome.seconds}
    return answer | {"facts": outcome.facts, "scaled": outcome.scaled}, outcome


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that matter and are installed here."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def answer_request(request: dict, item: Item) -> dict:
    """Do what is asked."""
    folder, settings = Path(request["folder"]), request["settings"]
    if request["role"] == "data":
        return item.make(folder, settings)
    if request["role"] == "compare":
        arrays = (load_arrays(request[side]) for side in ("ours", "peer"))
        return item.compare(*arrays, folder, settings)
    way = item.ours if request["role"] == "ours" else item.peers[request["peer"]]
    answer, outcome = measure(way, folder, settings)
    if request.get("arrays"):
        np.savez(request["arrays"], **outcome.arrays)
    return answer | {"versions": versions()}


def main() -> None:
    """Answer the request in the file named on the command line."""
    from benchmarks.items import ITEMS

    request = json.loads(Path(sys.argv[1]).read_text())
    try:
        answer = answer_request(request, ITEMS[request["item"]])
    except Unsuitable as error:
        answer = {"unsuitable": str(error)}
    except Exception as error:  # told by the caller in one sentence, the whole story in its log
        traceback.print_exc()
        answer = {"failed": f"{type(error).__name__}: {error}"}
    Path(request["answer"]).write_text(json.dumps(answer))


if __name__ == "__main__":
    main()
