"""Paths into what was said, by which parts of it are kept out of traces.

A subset of JSONPath (RFC 9535): names, indices, wildcards, and descendants by name. The root has
`instructions`, `input` and `output`, in the form of `content.py`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Key = str | int

STEP = re.compile(r"\.\.([A-Za-z_]\w*|\*)|\.([A-Za-z_]\w*|\*)|\[(\*|\d+)\]")
EVERY = "*"


class PathStep(NamedTuple):
    """A step into a document: to a name or an index, or to every one."""

    key: Key
    descends: bool = False
    """Whether it goes to wherever that is, however deep."""


class ContentPath:
    """A path, read once."""

    def __init__(self, path: str) -> None:
        """`path` is one that the schema takes, such as `$.input[*].parts[*].content`."""
        self._steps = [read_step(found) for found in STEP.finditer(path)]

    def redact(self, document: Any, instead: str) -> None:
        """Put `instead` in the place of all that the path leads to."""
        *way, last = self._steps
        places: list[Any] = [document]
        for step in way:
            places = [place[key] for parent in places for place, key in found(parent, step)]
        for parent in places:
            for place, key in list(found(parent, last)):
                place[key] = instead


def read_step(found: re.Match[str]) -> PathStep:
    """Return a step as it is written."""
    deep, name, index = found.groups()
    if deep is not None:
        return PathStep(deep, descends=True)
    if name is not None:
        return PathStep(name)
    return PathStep(index if index == EVERY else int(index))


def found(parent: Any, step: PathStep) -> Iterator[tuple[Any, Key]]:
    """Yield the places that a step leads to: a container, and the key in it."""
    for place in descendants(parent) if step.descends else (parent,):
        keys = keys_of(place)
        if step.key == EVERY:
            yield from ((place, key) for key in keys)
        elif step.key in keys:
            yield place, step.key


def keys_of(place: Any) -> Iterable[Any]:
    """Return the keys of an object or a list; none of what has none."""
    if isinstance(place, dict):
        return list(place)
    return range(len(place)) if isinstance(place, list) else ()


def descendants(parent: Any) -> Iterator[Any]:
    """Yield a value and all that is in it, the outermost first."""
    waiting = [parent]
    while waiting:
        place = waiting.pop()
        yield place
        waiting += [place[key] for key in keys_of(place)]
