"""Ids of responses that a provider keeps itself.

Such an id says which credential made it, sealed for the tenant: so whatever replica gets it finds
the account that knows the rest of the chain, nothing is stored here, and another tenant of the same
account cannot use it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from airouter.sealing import Sealer

MARK = "resp_pin"
PURPOSE = "response"
FIELDS = (b'"id":', b'"previous_response_id":')
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


class Renamer:
    """Gives the ids of responses in bodies and events their pinned form, each always the same."""

    __slots__ = ("_known", "_sealer", "_tenant")

    def __init__(self, sealer: Sealer, tenant: str) -> None:
        self._sealer = sealer
        self._tenant = tenant
        self._known: dict[bytes, bytes] = {}

    def know(self, theirs: str, ours: str) -> None:
        """Take note that the client has a name for an id of the provider."""
        self._known[theirs.encode()] = ours.encode()

    def __call__(self, credential: str, data: bytes) -> bytes:
        """Return a body of `credential`, or whole events, with the ids that clients get."""
        at = data.find(b'"resp_')
        if at < 0:
            return data
        pieces: list[bytes] = []
        done = 0
        while at >= 0:
            end = data.find(b'"', at + 1)
            if data[max(0, at - BEFORE) : at].rstrip().endswith(FIELDS):
                pieces += (data[done : at + 1], self._renamed(data[at + 1 : end], credential))
                done = end
            at = data.find(b'"resp_', at + 1)
        pieces.append(data[done:])
        return b"".join(pieces)

    def _renamed(self, theirs: bytes, credential: str) -> bytes:
        ours = self._known.get(theirs)
        if ours is None:
            pin = Pin(credential, theirs.decode())
            ours = self._known[theirs] = pinned(pin, self._sealer, self._tenant).encode()
        return ours
