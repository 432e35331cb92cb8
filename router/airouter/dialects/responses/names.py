"""The names by which a provider knows a client's tools.

Responses has tools in namespaces and tools without a name of their own; every other API has one
list of functions with a name each. A made-up name is the same in every request, so that a history
and the tools agree, and prompts stay in the provider's cache.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airouter.dialects.conversation import Tool

LONGEST = 64
UNFIT = re.compile(r"[^a-zA-Z0-9_-]")
DIGITS = 8
"""Digits of the hash that tells names apart."""


class Declared(NamedTuple):
    """A tool as its client names it."""

    name: str
    namespace: str | None = None
    item: str | None = None


def declared(tool: Tool) -> Declared:
    """Return a tool as its client names it."""
    return Declared(tool.known_as or tool.name, tool.namespace, tool.item)


def with_names(tools: Sequence[Tool]) -> list[Tool]:
    """Return tools with names that a provider can tell apart."""
    wanted = Counter(fitting(declared(tool)) for tool in tools)
    return [
        tool if has_own_name(tool) else renamed(tool, clashes=wanted[fitting(declared(tool))] > 1)
        for tool in tools
    ]


def has_own_name(tool: Tool) -> bool:
    """Return True for a tool whose own name will do."""
    return tool.namespace is None and tool.item is None


def renamed(tool: Tool, *, clashes: bool) -> Tool:
    """Return a tool under the name for providers."""
    key = declared(tool)
    name = hashed(key) if clashes else fitting(key)
    return msgspec.structs.replace(tool, name=name, known_as=key.name)


def fitting(key: Declared) -> str:
    """Return the name that a tool should have."""
    if key.namespace is None:
        return key.name
    name = joined_name(key)
    return name if len(name) <= LONGEST else hashed(key)


def hashed(key: Declared) -> str:
    """Return a name that no other tool has."""
    digest = hashlib.sha256(msgspec.json.encode(key)).hexdigest()[:DIGITS]
    return f"{joined_name(key)[: LONGEST - DIGITS - 1]}_{digest}"


def joined_name(key: Declared) -> str:
    """Return a namespace and a name in one."""
    return UNFIT.sub("_", f"{key.namespace}__{key.name}" if key.namespace else key.name)


class ToolNames:
    """Names for providers by the client's, for the calls of a history."""

    __slots__ = ("_known", "_taken")

    def __init__(self, tools: Iterable[Tool] = ()) -> None:
        self._known = {declared(tool): tool.name for tool in tools}
        self._taken = frozenset(self._known.values())

    def of(self, name: str, namespace: str | None = None, item: str | None = None) -> str:
        """Return the name of a tool, also of one that is no longer declared."""
        key = Declared(name, namespace, item)
        known = self._known.get(key)
        if known is not None or (namespace is None and item is None):
            return known or name
        found = fitting(key)
        return hashed(key) if found in self._taken else found
