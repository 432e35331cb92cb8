"""Python files of the repository, parsed once for every rule, and what rules report about them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

ROOTS = ("router", "operator", "scripts", "benchmarks", "tests")
PRODUCT = ("router/", "operator/")

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """A file: its path relative to the repository, with slashes, and its syntax tree."""

    path: str
    lines: int
    tree: ast.Module

    @property
    def is_product(self) -> bool:
        """True for what is shipped: router/ and operator/."""
        return self.path.startswith(PRODUCT)


@dataclass(frozen=True)
class Finding:
    """An offence at a line of a file. `key` is its entry in `allowed.toml`, if it can have one."""

    path: str
    line: int
    message: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


def parse(path: str, text: str) -> Source:
    """Return the file of that path and text."""
    return Source(path, len(text.splitlines()), ast.parse(text, path))


def read_sources(repository: Path) -> list[Source]:
    """Return every Python file under `ROOTS`, but for what package managers put there."""
    return [
        parse(file.relative_to(repository).as_posix(), file.read_text("utf-8"))
        for root in ROOTS
        for file in sorted((repository / root).rglob("*.py"))
        if "node_modules" not in file.parts
    ]
