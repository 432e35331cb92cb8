"""Admission: what is decided of a request once its head has come, before its body is kept.

Every door asks here: `edge/` for plain requests, `api/asgi.py` for the others, `api/websocket.py`
for sessions. The pipeline authenticates again when a request's turn has come, for a key may have
been withdrawn meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.auth.keyring import single_headers

if TYPE_CHECKING:
    from airouter.auth import Principal
    from airouter.held_bytes import HeldBytes, Holding
    from airouter.interfaces import Headers
    from airouter.pipeline import Pipeline


class Admission:
    """Lets the bodies of known clients in, as far as these may hold them."""

    def __init__(self, pipeline: Pipeline, held: HeldBytes) -> None:
        self._pipeline = pipeline
        self.held = held

    def admit(self, headers: Headers, size: int) -> Holding:
        """Return the holding of a client for `size` bytes. Raises `Failure` 400, 401, 503."""
        return self.held.hold(self.principal_of(headers).tenant, size)

    def principal_of(self, headers: Headers) -> Principal:
        """Return the owner of a key. Raises `Failure` 400, 401, 503."""
        return self._pipeline.current().keyring.authenticate(single_headers(headers))
