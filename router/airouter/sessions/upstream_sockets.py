"""The WebSockets that a session has to providers that speak Responses over one themselves.

Each lane of a session has a line of its own to each account: opened when a response is first asked
there, kept as long as the session. One response is under way on it, so any provider will do, also
one that knows nothing of lanes. What a provider remembers of a line is used where it can be: then
only what is new is sent. All of it is sent when the line is a new one, or has forgotten.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from airouter.interfaces import ConnectError, Declined
from airouter.sessions.upstream_socket import StaleSocket, UpstreamSocket, refused_handshake

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.config.snapshot import Credential
    from airouter.interfaces import Dialer, Reply
    from airouter.sessions.upstream_socket import ParentResponse, SessionRequest

MOST_LINES = 32
"""Of a session. Half of them may be in use; the one that has rested longest makes room."""
REST = 60.0
"""Seconds in which a provider that opened no WebSocket is asked by HTTP at once."""
OF_THE_ACCOUNT = frozenset({401, 403, 429})
"""What a provider says of an account, by whatever way it is asked."""


class SocketKey(NamedTuple):
    """Whose line it is."""

    lane: str | None
    credential: str


class UpstreamSockets:
    """Those of one session."""

    def __init__(self) -> None:
        self._lines: dict[SocketKey, UpstreamSocket] = {}
        """The one used last is the last."""
        self._resting: dict[str, float] = {}

    def remember(self, lane: str | None, parent: ParentResponse) -> bool:
        """Whether a lane's line goes on from a response with what is new alone."""
        line = self._lines.get(SocketKey(lane, parent.pin.credential))
        return line is not None and line.remembers(parent.pin.id)

    async def ask(
        self, asking: SessionRequest, lane: str | None, dialer: Dialer, path: bytes, head: bytes
    ) -> Reply:
        """Ask over a line, or by HTTP where there is none to be had. Raises `UpstreamError`."""
        credential = asking.credential
        line = self._usable(SocketKey(lane, credential.name), credential)
        if line is not None:
            try:
                return await line.ask(asking)
            except StaleSocket:
                pass
        if self._resting.get(credential.name, 0.0) > time.monotonic():
            return await dialer.send(path, head, asking.body)
        try:
            line = await self._open(
                SocketKey(lane, credential.name), credential, dialer, path, head
            )
        except ConnectError as error:
            if isinstance(error, Declined) and error.answer.status in OF_THE_ACCOUNT:
                return refused_handshake(error.answer)
            if "responses" not in credential.api:
                raise
            self._resting[credential.name] = time.monotonic() + REST
            return await dialer.send(path, head, asking.body)
        return await line.ask(asking)

    def keep_only(self, credentials: Mapping[str, Credential]) -> None:
        """After a reload: close what was opened as somebody else, once it is not in use."""
        for line in self._lines.values():
            if credentials.get(line.credential.name) != line.credential:
                line.retire()

    def close(self) -> None:
        """The session is over."""
        for line in self._lines.values():
            line.close()
        self._lines.clear()

    def _usable(self, key: SocketKey, credential: Credential) -> UpstreamSocket | None:
        line = self._lines.pop(key, None)
        if line is None or line.closed:
            return None
        if line.credential != credential:
            line.close()
            return None
        self._lines[key] = line
        return line

    async def _open(
        self, key: SocketKey, credential: Credential, dialer: Dialer, path: bytes, head: bytes
    ) -> UpstreamSocket:
        """A new line. Raises `ConnectError`."""
        self._make_room()
        line = UpstreamSocket(await dialer.dial(path, head), credential)
        self._lines[key] = line
        return line

    def _make_room(self) -> None:
        for key, line in list(self._lines.items()):
            if line.closed or (line.idle and len(self._lines) >= MOST_LINES):
                line.close()
                del self._lines[key]
