"""A digest of the code that a script runs: its own and that of the library modules it imports, transitively.

Comments, docstrings and white space don't count, nor do the modules `log` and `job`, which change no result.
"""

import ast
import hashlib
import io
import tokenize
from functools import cache
from pathlib import Path

_LIBRARY = Path(__file__).parent
_SKIP = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER}


def code_digest(script: Path) -> str:
    """Return the digest of a script and of everything it imports from this library, as 16 hex digits."""
    modules = sorted(_closure(Path(script)), key=str)
    parts = [f"{path.name}:{_digest(path)}" for path in modules]
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
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(file for name in names for file in _files(name))


def _files(name: str) -> list[Path]:
    """Return the file of a dotted name in this library and those of the packages around it."""
    package, *rest = name.split(".")
    if package != _LIBRARY.name:
        return []
    places = [_LIBRARY.joinpath(*rest[:depth]) for depth in range(len(rest) + 1)]
    candidates = [place / "__init__.py" for place in places] + [place.with_suffix(".py") for place in places[1:]]
    return [file for file in candidates if file.is_file()]


@cache
def _digest(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    docstrings = _docstring_lines(text)
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    kept = [
        f"{token.type}:{token.string if token.type not in (tokenize.INDENT, tokenize.NEWLINE) else ''}"
        for token in tokens
        if token.type not in _SKIP and token.start[0] not in docstrings
    ]
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()


def _docstring_lines(text: str) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node
        ):
            lines |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return lines
