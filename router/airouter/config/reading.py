"""From a document to a `RouterConfig`, without what is broken in it.

A mistake inside one credential, model or client drops that one; a mistake anywhere else rejects the
document, because nobody could say what it was meant to serve. A list's item whose name stands
before it already is dropped, too. Both the file source and the operator read with this.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from airouter.config.explain import problems
from airouter.config.findings import Finding, Named, Problem
from airouter.config.resource import RouterConfig

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airouter.config.findings import Path, Steps

DROPPABLE = {
    ("spec", "credentials"): "credential",
    ("spec", "models"): "model",
    ("spec", "auth", "clients"): "client",
}
"""Lists whose items stand for themselves, and what such an item is called."""

SHOWN_NAME = re.compile(r"[A-Za-z0-9/._:@-]{1,253}")


class Reading(NamedTuple):
    """A document as far as it could be read; `config` is None when it was rejected."""

    config: RouterConfig | None
    findings: tuple[Finding, ...]
    dropped: frozenset[tuple[str, str]] = frozenset()
    """`("credential", name)` and the like, of what was left out."""


def read(document: Mapping[str, Any], known: Sequence[Problem] = ()) -> Reading:
    """Read a document; `known` are problems that its parser has found already."""
    config, wrong = validated(document)
    found = [*known, *duplicates(document), *wrong]
    if not found:
        return Reading(config, ())
    broken = {item_of(problem.path) for problem in found}
    if None in broken:
        return Reading(None, findings_of(found, document))
    items = {item for item in broken if item is not None}
    config, left = validated(without(document, items))
    dropped = frozenset(dropped_names(document, items))
    return Reading(config, findings_of([*found, *left], document), dropped)


def validated(document: Mapping[str, Any]) -> tuple[RouterConfig | None, list[Problem]]:
    """The resource, or what its schema does not allow."""
    try:
        return RouterConfig.model_validate(document), []
    except ValidationError as error:
        return None, list(problems(error, RouterConfig))


def duplicates(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Items whose name another of the same list has already."""
    for where, kind in DROPPABLE.items():
        names: set[str] = set()
        for position, name in enumerate(names_in(list_at(document, where))):
            if name is not None and name in names:
                path: Steps = (*where, position, "name")
                yield Problem(path, f"is the name of another {kind}", "use a unique name")
            names.add(name or "")


def item_of(path: Steps) -> Steps | None:
    """The droppable item that a path leads into."""
    for where in DROPPABLE:
        item = path[: len(where) + 1]
        if item[:-1] == where and isinstance(item[-1], int):
            return item
    return None


def without(document: Any, items: set[Steps]) -> Any:
    """The document without some items of its lists; what lies on the way is copied."""
    below: dict[str | int, set[Steps]] = {}
    for first, *rest in items:
        below.setdefault(first, set()).add(tuple(rest))
    if isinstance(document, list):
        return [item for position, item in enumerate(document) if position not in below]
    return {
        key: without(value, below[key]) if key in below else value
        for key, value in document.items()
    }


def dropped_names(document: Mapping[str, Any], items: set[Steps]) -> Iterator[tuple[str, str]]:
    """Kind and name of items that are left out, if no other of the name stays."""
    for where, kind in DROPPABLE.items():
        names = names_in(list_at(document, where))
        gone = {position for position in range(len(names)) if (*where, position) in items}
        staying = {name for position, name in enumerate(names) if position not in gone}
        for position in sorted(gone):
            name = names[position]
            if name is not None and name not in staying:
                yield kind, name


def findings_of(found: Sequence[Problem], document: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Problems as errors, their paths by name."""
    namer = Namer()
    return tuple(
        Finding("error", namer.named(path, document), what, fix, line=line)
        for path, what, fix, line in found
    )


class Namer:
    """Says a path of one document by the names of the items on it."""

    def __init__(self) -> None:
        self._labels: dict[int, list[int | Named]] = {}

    def named(self, path: Steps, document: Any) -> Path:
        """The path. An item whose name cannot be shown, or is not its own, keeps its position."""
        named: list[str | int | Named] = []
        value = document
        for step in path:
            if isinstance(value, list) and isinstance(step, int) and step < len(value):
                named.append(self._labels_of(value)[step])
                value = value[step]
            else:
                named.append(step)
                value = value.get(step) if isinstance(value, Mapping) else None
        return tuple(named)

    def _labels_of(self, items: list[Any]) -> list[int | Named]:
        labels = self._labels.get(id(items))
        if labels is None:
            seen: set[str] = set()
            labels = self._labels[id(items)] = []
            for position, name in enumerate(names_in(items)):
                own = name is not None and name not in seen and SHOWN_NAME.fullmatch(name)
                labels.append(Named(name) if name is not None and own else position)
                seen.add(name or "")
        return labels


def names_in(items: list[Any]) -> list[str | None]:
    """The name of each item that has one."""
    names = [item.get("name") if isinstance(item, Mapping) else None for item in items]
    return [name if isinstance(name, str) else None for name in names]


def list_at(document: Any, where: tuple[str, ...]) -> list[Any]:
    """The list at a place of a document; empty if there is none."""
    for step in where:
        document = document.get(step) if isinstance(document, Mapping) else None
    return document if isinstance(document, list) else []
