"""Loads a `RouterConfig` from a document, without the items that are broken.

A mistake inside one credential, model, client, grant or issuer drops that item; a mistake anywhere
else rejects the document, because nobody could say what it was meant to serve. An item whose name
an earlier one of its list has is dropped, too. The file source and the operator both load with
this.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from airouter.config.field_errors import problems_in
from airouter.config.findings import FieldProblem, Finding, NamedItem
from airouter.config.providers import PROVIDER_TYPES
from airouter.config.resource import RouterConfig

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airouter.config.findings import Path, Steps
    from airouter.config.providers import ProviderTypes

DROPPABLE = {
    ("spec", "credentials"): "credential",
    ("spec", "models"): "model",
    ("spec", "auth", "clients"): "client",
    ("spec", "auth", "grants"): "grant",
    ("spec", "auth", "serviceAccounts"): "rule for ServiceAccounts",
    ("spec", "auth", "jwt"): "issuer",
}
"""Lists whose items can be dropped one by one, and the noun for an item."""

SHOWN_NAME = re.compile(r"[A-Za-z0-9/._:@-]{1,253}")


class LoadedConfig(NamedTuple):
    """The usable part of a document; `config` is None when all of it was rejected."""

    config: RouterConfig | None
    findings: tuple[Finding, ...]
    dropped: frozenset[tuple[str, str]] = frozenset()
    """Kind and name of each item that was left out, such as `("credential", "main")`."""


def load_config(
    document: Mapping[str, Any],
    known: Sequence[FieldProblem] = (),
    types: ProviderTypes = PROVIDER_TYPES,
) -> LoadedConfig:
    """Load a document; `known` are problems that its parser has found already."""
    config, wrong = validated(document, types)
    found = [*known, *duplicates(document), *wrong]
    if not found:
        return LoadedConfig(config, ())
    broken = {item_of(problem.path) for problem in found}
    if None in broken:
        return LoadedConfig(None, findings_of(found, document))
    items = {item for item in broken if item is not None}
    # Some validators run only when the items are valid, so new problems may come up.
    config, left = validated(without_items(document, items), types)
    dropped = frozenset(dropped_names(document, items))
    return LoadedConfig(config, findings_of([*found, *left], document), dropped)


def validated(
    document: Mapping[str, Any], types: ProviderTypes = PROVIDER_TYPES
) -> tuple[RouterConfig | None, list[FieldProblem]]:
    """Return the resource, or the problems that its schema finds."""
    try:
        return RouterConfig.model_validate(document, context=types), []
    except ValidationError as error:
        return None, list(problems_in(error, RouterConfig))


def duplicates(document: Mapping[str, Any]) -> Iterator[FieldProblem]:
    """Yield a problem for each item whose name an earlier item of its list has."""
    for where, kind in DROPPABLE.items():
        names: set[str] = set()
        for position, name in enumerate(names_in(list_at(document, where))):
            if name is not None and name in names:
                path: Steps = (*where, position, "name")
                yield FieldProblem(path, f"is the name of another {kind}", "use a unique name")
            names.add(name or "")


def item_of(path: Steps) -> Steps | None:
    """Return the droppable item that a path leads into."""
    for where in DROPPABLE:
        item = path[: len(where) + 1]
        if item[:-1] == where and isinstance(item[-1], int):
            return item
    return None


def without_items(document: Any, items: set[Steps]) -> Any:
    """Return the document without some items of its lists; the containers of these are copied."""
    below: dict[str | int, set[Steps]] = {}
    for first, *rest in items:
        below.setdefault(first, set()).add(tuple(rest))
    if isinstance(document, list):
        return [item for position, item in enumerate(document) if position not in below]
    return {
        key: without_items(value, below[key]) if key in below else value
        for key, value in document.items()
    }


def dropped_names(document: Mapping[str, Any], items: set[Steps]) -> Iterator[tuple[str, str]]:
    """Yield kind and name of dropped items, unless another item of that name stays."""
    for where, kind in DROPPABLE.items():
        names = names_in(list_at(document, where))
        gone = {position for position in range(len(names)) if (*where, position) in items}
        staying = {name for position, name in enumerate(names) if position not in gone}
        for position in sorted(gone):
            name = names[position]
            if name is not None and name not in staying:
                yield kind, name


def findings_of(found: Sequence[FieldProblem], document: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Return problems as errors, their paths by the names of items."""
    namer = Namer()
    return tuple(
        Finding("error", namer.named(path, document), what, fix, line=line)
        for path, what, fix, line in found
    )


class Namer:
    """Writes paths of one document with the names of items."""

    def __init__(self) -> None:
        self._labels: dict[int, list[int | NamedItem]] = {}

    def named(self, path: Steps, document: Any) -> Path:
        """Return a path; an item whose name is not printable or not unique keeps its position."""
        named: list[str | int | NamedItem] = []
        value = document
        for step in path:
            if isinstance(value, list) and isinstance(step, int) and step < len(value):
                named.append(self._labels_of(value)[step])
                value = value[step]
            else:
                named.append(step)
                value = value.get(step) if isinstance(value, Mapping) else None
        return tuple(named)

    def _labels_of(self, items: list[Any]) -> list[int | NamedItem]:
        labels = self._labels.get(id(items))
        if labels is None:
            seen: set[str] = set()
            labels = self._labels[id(items)] = []
            for position, name in enumerate(names_in(items)):
                own = name is not None and name not in seen and SHOWN_NAME.fullmatch(name)
                labels.append(NamedItem(name) if name is not None and own else position)
                seen.add(name or "")
        return labels


def names_in(items: list[Any]) -> list[str | None]:
    """Return the name of each item, None for one without."""
    names = [item.get("name") if isinstance(item, Mapping) else None for item in items]
    return [name if isinstance(name, str) else None for name in names]


def list_at(document: Any, where: tuple[str, ...]) -> list[Any]:
    """Return the list at a place of a document; empty if there is none."""
    for step in where:
        document = document.get(step) if isinstance(document, Mapping) else None
    return document if isinstance(document, list) else []
