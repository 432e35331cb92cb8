"""The WebSockets that a session has to providers that speak Responses over one themselves.

Each lane of a session has a socket of its own to each account: opened when a response is first
asked there, kept as long as the session. One response is under way on it, so any provider will do,
also one that knows nothing of lanes. The memory of a provider is used where it can be: then only
what is new is sent. All of it is sent when the socket is a new one, or has forgotten.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from airouter.interfaces import ConnectError, Declined, MessageTooLarge
from airouter.sessions.upstream_socket import StaleSocket, UpstreamSocket, refused_handshake

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.config.snapshot import Credential
    from airouter.interfaces import Dialer, Reply
    from airouter.sessions.upstream_socket import ParentResponse, SessionRequest

MOST_SOCKETS = 32
"""Of a session. Half of them may be in use; the one that has rested longest makes room."""
REST = 60.0
"""Seconds in which a provider that opened no WebSocket is asked by HTTP at once."""
OF_THE_ACCOUNT = frozenset({401, 403, 429})
"""What a provider says of an account, by whatever way it is asked."""


class SocketKey(NamedTuple):
    """The lane and the account that a socket belongs to."""

    lane: str | None
    credential: str


class UpstreamSockets:
    """The sockets of one session."""

    def __init__(self) -> None:
        self._sockets: dict[SocketKey, UpstreamSocket] = {}
        """The one used last is the last."""
        self._resting: dict[str, float] = {}

    def remember(self, lane: str | None, parent: ParentResponse) -> bool:
        """True where a lane's socket goes on from a response with its new items alone."""
        socket = self._sockets.get(SocketKey(lane, parent.pin.credential))
        return socket is not None and socket.remembers(parent.pin.id)

    async def ask(
        self, asking: SessionRequest, lane: str | None, dialer: Dialer, path: bytes, head: bytes
    ) -> Reply:
        """Ask over a socket, or by HTTP where there is none to be had. Raises `UpstreamError`."""
        credential = asking.credential
        try:
            return await self._ask_socket(asking, lane, dialer, path, head)
        except MessageTooLarge:  # for a WebSocket; HTTP has a limit of its own
            if "responses" not in credential.api:
                raise
            return await dialer.send(path, head, asking.body)

    async def _ask_socket(
        self, asking: SessionRequest, lane: str | None, dialer: Dialer, path: bytes, head: bytes
    ) -> Reply:
        credential = asking.credential
        socket = self._usable(SocketKey(lane, credential.name), credential)
        if socket is not None:
            try:
                return await socket.ask(asking)
            except StaleSocket:
                pass
        if self._resting.get(credential.name, 0.0) > time.monotonic():
            return await dialer.send(path, head, asking.body)
        try:
            socket = await self._open(
                SocketKey(lane, credential.name), credential, dialer, path, head
            )
        except ConnectError as error:
            if isinstance(error, Declined) and error.answer.status in OF_THE_ACCOUNT:
                return refused_handshake(error.answer)
            if "responses" not in credential.api:
                raise
            self._resting[credential.name] = time.monotonic() + REST
            return await dialer.send(path, head, asking.body)
        return await socket.ask(asking)

    def keep_only(self, credentials: Mapping[str, Credential]) -> None:
        """Close sockets of credentials that a reload has changed, once they are not in use."""
        for socket in self._sockets.values():
            if credentials.get(socket.credential.name) != socket.credential:
                socket.retire()

    def close(self) -> None:
        """Close all, as the session is over."""
        for socket in self._sockets.values():
            socket.close()
        self._sockets.clear()

    def _usable(self, key: SocketKey, credential: Credential) -> UpstreamSocket | None:
        socket = self._sockets.pop(key, None)
        if socket is None or socket.closed:
            return None
        if socket.credential != credential:
            socket.close()
            return None
        self._sockets[key] = socket
        return socket

    async def _open(
        self, key: SocketKey, credential: Credential, dialer: Dialer, path: bytes, head: bytes
    ) -> UpstreamSocket:
        """Open a socket. Raises `ConnectError`."""
        self._make_room()
        socket = UpstreamSocket(await dialer.dial(path, head), credential)
        self._sockets[key] = socket
        return socket

    def _make_room(self) -> None:
        for key, socket in list(self._sockets.items()):
            if socket.closed or (socket.idle and len(self._sockets) >= MOST_SOCKETS):
                socket.close()
                del self._sockets[key]
