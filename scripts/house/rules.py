"""The rules: a function each, from parsed files to findings. `allowed.py` forgives the old ones.

The name of a class, or of a function of a module, stands for one thing in all of router/ and
operator/, so that a search for it finds that thing. Siblings that mirror each other may share
names: each pattern in `MIRRORS` says by its group what the siblings are, and a name may be defined
once in each of them.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from house.source import Finding, Function, Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FUNCTION_LINES = 60
FILE_LINES = 400
OPENING = re.compile(r"(What|Whether|How|Where|Who|Why|The same|It,|For one that)(?!\w)")
MIRRORS = (
    re.compile(r"router/airouter/dialects/(\w+)/"),  # one dialect beside another
    re.compile(r"router/airouter/config/(resource|snapshot)\b"),  # as written, and as compiled
    re.compile(r"(router|operator)/\w+/__main__\.py"),  # the two commands
)


def long_functions(sources: Iterable[Source]) -> Iterator[Finding]:
    """Find functions of more than `FUNCTION_LINES` lines, from `def` to the last one."""
    for source in sources:
        for name, function in functions_in(source.tree):
            lines = (function.end_lineno or function.lineno) - function.lineno + 1
            if lines > FUNCTION_LINES:
                said = f"{name} has {lines} lines, {FUNCTION_LINES} at most (fix: split it)"
                yield Finding(source.path, function.lineno, said, f"{source.path}::{name}")


def functions_in(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, Function]]:
    """Walk all functions, those within classes and functions too, with their qualified names."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, Function | ast.ClassDef):
            yield from functions_in(child, prefix)
            continue
        name = f"{prefix}{child.name}"
        if not isinstance(child, ast.ClassDef):
            yield name, child
        yield from functions_in(child, f"{name}.")


def long_files(sources: Iterable[Source]) -> Iterator[Finding]:
    """Find files of more than `FILE_LINES` lines."""
    for source in sources:
        if source.lines > FILE_LINES:
            said = f"{source.lines} lines, {FILE_LINES} at most (fix: split the file by topic)"
            yield Finding(source.path, FILE_LINES + 1, said, source.path)


def bare_modules(sources: Iterable[Source]) -> Iterator[Finding]:
    """Find modules without a docstring, private ones too, which ruff's D100 leaves out.

    A test's docstrings are as its author likes.
    """
    for source in sources:
        if not source.path.startswith("tests/") and not ast.get_docstring(source.tree):
            said = "no module docstring (fix: say why the module exists and who its neighbours are)"
            yield Finding(source.path, 1, said)


def docstring_openings(sources: Iterable[Source]) -> Iterator[Finding]:
    """Find docstrings of the product that a reader has to turn around before they tell anything."""
    for source in sources:
        if source.is_product:
            for node in ast.walk(source.tree):
                if isinstance(node, ast.Module | ast.ClassDef | Function):
                    yield from _opening(source.path, node)


def _opening(path: str, node: ast.Module | ast.ClassDef | Function) -> Iterator[Finding]:
    found = OPENING.match(ast.get_docstring(node) or "")
    if found:
        said = f'docstring opens with "{found[1]}" (fix: begin with a verb or the noun it is about)'
        yield Finding(path, node.body[0].lineno, said)


def doubled_names(sources: Iterable[Source]) -> Iterator[Finding]:
    """Find names of classes and functions that several modules of the product define."""
    places: dict[str, dict[str, int]] = defaultdict(dict)
    for source in sources:
        if source.is_product:
            for node in source.tree.body:
                if isinstance(node, ast.ClassDef | Function):
                    # An overloaded function stands in its module several times.
                    places[node.name].setdefault(source.path, node.lineno)
    for name, defined in sorted(places.items()):
        if len(defined) > 1 and not mirrored(defined):
            (path, line), *others = defined.items()
            also = ", ".join(f"{other}:{at}" for other, at in others)
            said = f"{name} is defined once more in {also} (fix: give each a name of its own)"
            yield Finding(path, line, said, name)


def mirrored(paths: Iterable[str]) -> bool:
    """Return True when each path lies in another sibling of one pattern of `MIRRORS`."""
    for pattern in MIRRORS:
        found = [pattern.match(path) for path in paths]
        siblings = {match[1] for match in found if match}
        if len(siblings) == len(found):
            return True
    return False
