"""Ids of responses that a provider keeps itself.

Such an id says which credential made it, sealed for the tenant: so whatever replica gets it finds
the account that knows the rest of the chain, nothing is stored here, and another tenant of the same
account cannot use it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from airouter.sealing import Sealer

MARK = "resp_pin"
PURPOSE = "response"
ID = re.compile(rb'"(id|previous_response_id)":(\s*)"(resp_[\w.-]{1,1024})"')
LONGEST = 4096


class Pin(NamedTuple):
    """Where a response is, and what it is called there."""

    credential: str
    id: str


_decoder = msgspec.json.Decoder(Pin)


def pinned(pin: Pin, sealer: Sealer, tenant: str) -> str:
    """The id that a client gets."""
    return MARK + sealer.seal(msgspec.json.encode(pin), PURPOSE, tenant)


def unpinned(id_: str, sealer: Sealer, tenant: str) -> Pin | None:
    """What such an id says; None for any other, and for another tenant's."""
    if not id_.startswith(MARK) or len(id_) > LONGEST:
        return None
    plain = sealer.open(id_.removeprefix(MARK), PURPOSE, tenant)
    return None if plain is None else _decoder.decode(plain)


class Renamer:
    """Gives the ids of responses in bodies and events their pinned form, each always the same."""

    __slots__ = ("_credential", "_known", "_sealer", "_tenant")

    def __init__(self, credential: str, sealer: Sealer, tenant: str, known: dict[str, str]) -> None:
        """`known` has ids of the provider that the client has a name for already."""
        self._credential = credential
        self._sealer = sealer
        self._tenant = tenant
        self._known = {ours.encode(): theirs.encode() for ours, theirs in known.items()}

    def __call__(self, data: bytes) -> bytes:
        return ID.sub(self._rename, data) if b'"resp_' in data else data

    def _rename(self, found: re.Match[bytes]) -> bytes:
        field, space, theirs = found.groups()
        ours = self._known.get(theirs)
        if ours is None:
            pin = Pin(self._credential, theirs.decode())
            ours = self._known[theirs] = pinned(pin, self._sealer, self._tenant).encode()
        return b'"%b":%b"%b"' % (field, space, ours)
