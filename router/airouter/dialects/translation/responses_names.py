"""Names of tools in Responses that pass through, of which their provider refuses some.

No translation leads there and back, so the names alone change, in JSON that is taken apart no
further: whatever else a request has stays as it came. The others are those of `tool_names.py`, the
same in every request, so that a response which the provider keeps can be gone on with.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.declared_names import OWN, is_refused_name
from airouter.dialects.raw_json import ABSENT, RawFields, fields_of, raw_json
from airouter.dialects.translation.tool_names import fitting_name
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.dialects.client_request import Fields

NAMING = ("tools", "input")
"""Fields with lists of what has names of tools."""
CALLS = frozenset({"function_call", "custom_tool_call"})
DEEPEST = 2
"""Lists of tools in one another: those of a namespace, which an item may tell of."""
NAME = b'"name"'
TOLD = re.compile(rb'("name"\s*:\s*)("([a-zA-Z0-9_-]{1,64})")')

OwnNames = dict[bytes, bytes]
"""Names as the client has them, as JSON, by those that the provider knows."""


class NamedThing(msgspec.Struct):
    """A tool, the choice of one, or an item, as much of it as may have names of tools."""

    type: str | None = None
    name: str | None = None
    tools: msgspec.Raw = ABSENT


_thing = msgspec.json.Decoder(NamedThing)
_rows = msgspec.json.Decoder(list[msgspec.Raw])


def with_names_taken(
    fields: Fields, unfit: re.Pattern[bytes] | None
) -> tuple[Fields, OwnNames | None]:
    """Return a request whose tools have names that are taken, and the client's own of those.

    A history may call tools that are offered no more. Nearly all requests have no name that is
    refused, and are cleared by a look at their bytes. Nobody knows the client's names where a
    response is asked for later, so a request in the background keeps them, and the provider refuses
    it.
    """
    if unfit is None or not any(unfit.search(fields.get(name, ABSENT)) for name in NAMING):
        return fields, None
    if bytes(fields.get("background", ABSENT)) == b"true":
        return fields, None
    fitter = NameFitter(unfit)
    changed = {name: fitter.rows(fields[name]) for name in NAMING if name in fields}
    if "tool_choice" in fields:
        changed["tool_choice"] = fitter.thing(fields["tool_choice"])
    return (fields | changed, fitter.own) if fitter.own else (fields, None)


class NameFitter:
    """Gives other names to whatever has one that is refused."""

    __slots__ = ("_unfit", "own")

    def __init__(self, unfit: re.Pattern[bytes]) -> None:
        self._unfit = unfit
        self.own: OwnNames = {}

    def rows(self, rows: msgspec.Raw, deepest: int = DEEPEST) -> msgspec.Raw:
        """Return a list of tools or of items; the same where it is none."""
        things = decoded_or_none(_rows, rows)
        if things is None:
            return rows
        return raw_json([self.thing(thing, deepest) for thing in things])

    def thing(self, raw: msgspec.Raw, deepest: int = DEEPEST) -> msgspec.Raw:
        """Return a tool, the choice of one, or an item; the bytes of it where nothing changes."""
        thing = decoded_or_none(_thing, raw)
        if thing is None:
            return raw
        new: RawFields = {}
        named = thing.type in OWN or thing.type in CALLS
        if named and thing.name is not None and is_refused_name(thing.name, self._unfit):
            new["name"] = raw_json(self._fitting(thing.name))
        if deepest and memoryview(thing.tools).nbytes:
            new["tools"] = self.rows(thing.tools, deepest - 1)
        return raw_json(fields_of(raw) | new) if new else raw

    def _fitting(self, name: str) -> str:
        fitting = fitting_name(name)
        self.own[fitting.encode()] = msgspec.json.encode(name)
        return fitting


def with_names_restored(data: bytes, names: Mapping[bytes, bytes]) -> bytes:
    """Return a body, or whole events, that have the client's own names.

    Another name ends in a hash of its own, and what a model says has its quotes escaped, so nothing
    else is taken for one.
    """
    if data.find(NAME) < 0:
        return data
    return TOLD.sub(lambda told: told[1] + names.get(told[3], told[2]), data)
