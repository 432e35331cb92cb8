"""Admission: what is decided of a request once its head has come, before its body is kept.

Every door asks here: `edge/` for plain requests, `api/asgi.py` for the others, `api/websocket.py`
for sessions. The pipeline authenticates again when a request's turn has come, for a key may have
been withdrawn meanwhile. A body that came packed is unpacked here, too, for only now it is known
whose bytes these are.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from airouter.auth.keyring import single_headers
from airouter.bounds.held_bytes import NOBODY, OF_A_BODY, OF_ANSWERS, Holding
from airouter.failures import Failure, body_too_large
from airouter.http.unpacking import unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.auth import Principal
    from airouter.bounds.held_bytes import HeldBytes
    from airouter.config.snapshot import Cors
    from airouter.eventloop.aside import Aside
    from airouter.interfaces import Headers
    from airouter.pipeline import Pipeline
    from airouter.telemetry.record import RequestRecord

AT_ONCE, AT_A_TIME = 4, 16
"""Steps of unpacking: most bodies take two, which are made at once, others are made aside."""


class Admission:
    """Lets the bodies of known clients in, as far as these may hold them."""

    def __init__(self, pipeline: Pipeline, held: HeldBytes, aside: Aside, body_limit: int) -> None:
        """`body_limit` is bytes."""
        self._pipeline = pipeline
        self._aside = aside
        self.body_limit = body_limit
        self.held = held

    @property
    def cors(self) -> Cors | None:
        """Sites whose pages may ask."""
        serving = self._pipeline.serving
        return None if serving is None else serving.snapshot.cors

    def admit(self, headers: Headers, size: int) -> Holding:
        """Return the holding for a body of `size` bytes. Raises `Failure` 400, 401, 503."""
        return self.held.hold(self.principal_of(headers).tenant, size, OF_A_BODY)

    def for_answers(self, headers: Headers) -> Holding:
        """Return a holding for what the client of a request has not taken of its answer."""
        return Holding(self.held, self.client_of(headers), OF_ANSWERS)

    async def unpack(self, body: bytes, codings: list[str], holding: Holding) -> bytes:
        """Return a body without its codings, held as it grows. Raises `Failure` 400, 413, 503."""
        packed, plain = len(body), bytearray()
        pieces = unpacked(body, codings)
        taken, wanted = taken_from(pieces, AT_ONCE), AT_ONCE
        while True:
            for piece in taken:
                plain += piece
            if len(plain) > self.body_limit:
                raise body_too_large(self.body_limit)
            if len(taken) < wanted:
                break
            holding.resize(packed + len(plain), OF_A_BODY)
            wanted = AT_A_TIME
            taken = await self._aside.run(partial(taken_from, pieces, wanted))
        holding.resize(len(plain), OF_A_BODY)
        return bytes(plain)

    def record(self, record: RequestRecord) -> None:
        """Count and log a request that the pipeline never got."""
        self._pipeline.recorder.add(record)

    def client_of(self, headers: Headers) -> str:
        """Return the tenant that sends a request; nobody where it would be refused for its key."""
        try:
            return self.principal_of(headers).tenant
        except Failure:
            return NOBODY

    def principal_of(self, headers: Headers) -> Principal:
        """Return the owner of a key. Raises `Failure` 400, 401, 503."""
        return self._pipeline.current().keyring.authenticate(single_headers(headers))


def taken_from(pieces: Iterator[bytes], most: int) -> list[bytes]:
    """Return the next pieces of a body, fewer than `most` at its end. Raises `Failure` 400."""
    return list(islice(pieces, most))
