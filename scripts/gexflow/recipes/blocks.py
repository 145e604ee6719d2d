"""Work on a table gene by gene, in blocks, on as many threads as the job has."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_BLOCK = 1 << 19  # values of a block: 4 MB in float64; with smaller ones two threads wait for each other
_BLOCKS = 4  # a thread has at least so many, where there are as many lines
LINE = 16  # float32 values in a line of the processor's cache: so many neighbours are read in one go


def job_threads() -> int:
    """Return the threads of this job: OMP_NUM_THREADS, which Snakemake sets, or else all cores."""
    return int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


def in_blocks(work: Callable[[slice], None], lines: int, length: int, at_least: int = 1) -> None:
    """Call `work` with slices that cover `lines` lines (genes, or samples) of `length` values each.

    numpy releases Python's lock in long operations, so that blocks on several threads run side by side. Each block
    must write to its own part of a result; the result then never depends on the number of threads. A block has
    `at_least` so many lines, where there are as many.
    """
    threads = job_threads()
    step = min(max(1, _BLOCK // max(1, length)), -(-lines // (_BLOCKS * threads)))
    step = max(at_least, step)
    blocks = [slice(start, min(start + step, lines)) for start in range(0, lines, step)]
    threads = min(threads, len(blocks))
    if threads <= 1:
        for block in blocks:
            work(block)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, blocks))  # the list raises what a block raised
