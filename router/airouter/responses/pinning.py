"""Ids of responses that a provider keeps itself.

Such an id says which credential made it, sealed for the tenant: so whatever replica gets it finds
the account that knows the rest of the chain, nothing is stored here, and another tenant of the same
account cannot use it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from airouter.dialects.framing import ServerSentEvents
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.responses.item_ids import ItemIds
    from airouter.sealing import Sealer

MARK = "resp_pin"
PURPOSE = "response"
FIELDS = (b'"id":', b'"previous_response_id":')
USUAL = "resp_"
RESPONSE = b'"response"'
"""In a body of a response, and in an event with one."""
NO_PREVIOUS = re.compile(rb'"previous_response_id"\s*:\s*null')
BEFORE = 32
"""Bytes in which the name of the field stands before an id."""
LONGEST = 4096


class Pin(NamedTuple):
    """The place of a response: a credential, and its id there."""

    credential: str
    id: str


_decoder = msgspec.json.Decoder(Pin)
_encoder = msgspec.json.Encoder()


def pinned(pin: Pin, sealer: Sealer, tenant: str) -> str:
    """Return the id that a client gets."""
    return MARK + sealer.seal(_encoder.encode(pin), PURPOSE, tenant)


def unpinned(id_: str, sealer: Sealer, tenant: str) -> Pin | None:
    """Return the pin in an id; None for any other id, and for another tenant's."""
    if not id_.startswith(MARK) or len(id_) > LONGEST:
        return None
    plain = sealer.open(id_.removeprefix(MARK), PURPOSE, tenant)
    return None if plain is None else _decoder.decode(plain)


class NamedResponse(msgspec.Struct):
    """The ids of a response."""

    id: str = ""
    previous_response_id: str | None = None
    object: str = "response"


class EventAbout(msgspec.Struct):
    """An event with a response in it."""

    response: NamedResponse | None = None


_whole = msgspec.json.Decoder(NamedResponse)
_event = msgspec.json.Decoder(EventAbout)


def data_in(data: bytes) -> list[bytes]:
    """Return a body, or the data of whole events."""
    if data.startswith(b"{"):
        return [data]
    return [frame.data for frame in ServerSentEvents().feed(data + b"\n\n")]


def response_in(data: bytes) -> NamedResponse | None:
    """Return the response that a body is, or that an event has in it."""
    event = decoded_or_none(_event, data)
    if event is not None and event.response is not None:
        return event.response
    whole = decoded_or_none(_whole, data)
    return whole if whole is not None and whole.object == "response" else None


class PreviousTold:
    """Says what a response goes on from, where a session has sent its provider all of that."""

    __slots__ = ("_previous", "_rename")

    def __init__(self, rename: Callable[[str, bytes], bytes], previous: str) -> None:
        self._rename = rename
        self._previous = b'"previous_response_id":' + msgspec.json.encode(previous)

    def __call__(self, credential: str, data: bytes) -> bytes:
        renamed = self._rename(credential, data)
        if data.find(RESPONSE) < 0:
            return renamed
        return NO_PREVIOUS.sub(lambda _: self._previous, renamed)


class Renamer:
    """Gives the ids of responses in bodies and events their pinned form, each always the same."""

    __slots__ = ("_item_ids", "_known", "_sealer", "_tenant", "tags_items")

    def __init__(self, sealer: Sealer, tenant: str, item_ids: ItemIds) -> None:
        self._sealer = sealer
        self._tenant = tenant
        self._item_ids = item_ids
        self.tags_items = False
        """Whether ids of items are told with their tags: of items that the provider keeps."""
        self._known: dict[bytes, bytes] = {}

    def know(self, theirs: str, ours: str) -> None:
        """Take note that the client has a name for an id of the provider."""
        self._known[theirs.encode()] = ours.encode()

    def __call__(self, credential: str, data: bytes) -> bytes:
        """Return a body of `credential`, or whole events, with the ids that clients get."""
        if self.tags_items:
            data = self._item_ids.tag(data)
        at = data.find(b'"resp_')
        pieces: list[bytes] = []
        done = 0
        while at >= 0:
            end = data.find(b'"', at + 1)
            if data[max(0, at - BEFORE) : at].rstrip().endswith(FIELDS):
                pieces += (data[done : at + 1], self._renamed(data[at + 1 : end], credential))
                done = end
            at = data.find(b'"resp_', at + 1)
        if not pieces:
            return self._unusual(credential, data) if data.find(RESPONSE) >= 0 else data
        pieces.append(data[done:])
        return b"".join(pieces)

    def _unusual(self, credential: str, data: bytes) -> bytes:
        """Return data with the ids that do not begin as OpenAI's: some services have UUIDs."""
        for found in map(response_in, data_in(data)):
            for id_ in filter(None, (found.id, found.previous_response_id) if found else ()):
                if not id_.startswith(USUAL):
                    theirs = id_.encode()
                    ours = self._renamed(theirs, credential)
                    named = rb'("(?:previous_response_)?id"\s*:\s*")' + re.escape(theirs) + b'"'
                    data = re.sub(named, rb"\g<1>" + ours + b'"', data)
        return data

    def _renamed(self, theirs: bytes, credential: str) -> bytes:
        ours = self._known.get(theirs)
        if ours is None:
            pin = Pin(credential, theirs.decode())
            ours = self._known[theirs] = pinned(pin, self._sealer, self._tenant).encode()
        return ours
