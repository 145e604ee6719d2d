"""A digest of the code that a script runs: its own and that of the library modules it imports, transitively.

Comments, docstrings and white space don't count, nor do the modules `log` and `job`, which change no result.

Snakemake asks for the digests of all scripts at every start, and every job for that of its own. What a file holds is
therefore kept beside Python's own compiled modules, by the hash of its content: reading 200 modules anew took one of
the three CPU seconds of a start.
"""

import ast
import hashlib
import io
import json
import sys
import tokenize
from contextlib import suppress
from functools import cache
from pathlib import Path

from gexflow.files import whole_file

_LIBRARY = Path(__file__).parent
_SKIP = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER}
_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef

_MOST = 2000  # files that are remembered; the library has some 250

# What is known of files, by the hash of their content: the digest of the code, and the dotted names that it imports.
Known = dict[str, tuple[str, list[str]]]


def code_digest(script: Path) -> str:
    """Return the digest of a script and of everything it imports from this library, as 16 hex digits."""
    known = _known(_LIBRARY)
    count = len(known)
    modules = sorted(_closure(Path(script)), key=str)
    parts = [f"{path.name}:{_facts(path)[0]}" for path in modules]
    if len(known) > count:
        _keep(known, _place(_LIBRARY))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _closure(script: Path) -> set[Path]:
    found, waiting = set(), [script]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += [module for module in _imports(path) if module.name != "log.py"]
    return found


@cache
def _imports(path: Path) -> frozenset[Path]:
    """Return the files of this library that a file imports, wherever in the file."""
    return frozenset(file for name in _facts(path)[1] for file in _files(name))


def _files(name: str) -> list[Path]:
    """Return the file of a dotted name in this library and those of the packages around it."""
    package, *rest = name.split(".")
    if package != _LIBRARY.name:
        return []
    places = [_LIBRARY.joinpath(*rest[:depth]) for depth in range(len(rest) + 1)]
    candidates = [place / "__init__.py" for place in places] + [place.with_suffix(".py") for place in places[1:]]
    return [file for file in candidates if file.is_file()]


@cache
def _facts(path: Path) -> tuple[str, list[str]]:
    """Return the digest of a file's code and what it imports; what is known of its content is not found out again."""
    content, known = path.read_bytes(), _known(_LIBRARY)
    mark = hashlib.sha256(content).hexdigest()
    if mark not in known:
        known[mark] = _read(content.decode())
    return known[mark]


def _read(text: str) -> tuple[str, list[str]]:
    """Return the digest of a file's code and the dotted names of this library that it imports."""
    names, docstrings = set(), set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, _DOCUMENTED) and ast.get_docstring(node):
            docstrings |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    kept = [
        f"{token.type}:{token.string if token.type not in (tokenize.INDENT, tokenize.NEWLINE) else ''}"
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in _SKIP and token.start[0] not in docstrings
    ]
    own = sorted(name for name in names if name.split(".")[0] == _LIBRARY.name)
    return hashlib.sha256("\n".join(kept).encode()).hexdigest(), own


def _place(library: Path) -> Path:
    return library / "__pycache__" / f"digests.{sys.implementation.cache_tag}.json"


@cache
def _known(library: Path) -> Known:
    """Return what earlier starts found out, by this very code; nothing where that is lost or damaged."""
    try:
        kept = json.loads(_place(library).read_text())
        return {mark: (digest, names) for mark, (digest, names) in kept["files"].items()} if kept["by"] == _by() else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _keep(known: Known, place: Path) -> None:
    """Keep what is known for the next start; where this user may only read the library, starts take a second longer."""
    content = json.dumps({"by": _by(), "files": dict(list(known.items())[-_MOST:])})
    with suppress(OSError), whole_file(place) as partial:
        partial.write_text(content)


def _by() -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
