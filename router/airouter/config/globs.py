"""Patterns of model names, as keys, grants and limits name models."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def matches_any(model: str, globs: Iterable[str]) -> bool:
    """Return whether a pattern matches the name of a model, by `*`, `?` and `[...]`."""
    return any(fnmatchcase(model, glob) for glob in globs)
