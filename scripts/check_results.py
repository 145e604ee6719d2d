"""Compare results with the manifests that their jobs left: sizes and SHA-256. `make check` calls this.

python scripts/check_results.py            # the folder results
python scripts/check_results.py demo/results
"""

import argparse
import shlex
import sys
from pathlib import Path

from gexflow.errors import InputError
from gexflow.manifest import checked_files


def main() -> int:
    """Name damaged files and how to mend them; return 1 if there are any, 2 if nothing can be checked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="?", default="results", type=Path, help="folder (default: results)")
    results = parser.parse_args().results
    if not results.is_dir():
        print(f"{results} is no folder: name the folder of the results", file=sys.stderr)
        return 2
    count, damaged = 0, []
    try:
        for count, (path, complaint) in enumerate(checked_files(results), 1):
            if sys.stderr.isatty():
                print(f"\r{count:,} files\r", end="", file=sys.stderr)
            if complaint:
                print(complaint)
                damaged.append(path)
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    if not count:
        print(f"no manifest below {results} names a file that is there: has a job ended there?", file=sys.stderr)
        return 2
    if damaged:
        print("Delete and run snakemake again:\n  rm " + " ".join(shlex.quote(str(path)) for path in damaged))
        return 1
    print(f"{count:,} files are as their jobs wrote them")
    return 0


if __name__ == "__main__":
    sys.exit(main())
