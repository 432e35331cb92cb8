"""A board at the operator, beside its stream of snapshots; `ban_server.py` answers it."""

from __future__ import annotations

from http.client import NO_CONTENT, OK
from typing import TYPE_CHECKING

import msgspec

from airouter.bans.notice import (
    LARGEST_MESSAGE,
    BanMessage,
    BanNews,
    UnreadableBans,
    read_bans,
)
from airouter.config.delivery import BANS_PATH
from airouter.http.following import connection_beside
from airouter.http.kept import NoAnswer
from airouter.sharing.board import BoardError, RemoteBoard

if TYPE_CHECKING:
    from airouter.bans.notice import BanNotice
    from airouter.config.delivery import Stream
    from airouter.http.kept import KeptConnection

LISTENING = 60.0
"""Seconds: longer than an operator waits for news."""
TELLING = 5.0
"""Seconds."""


class OperatorBoard(RemoteBoard):
    """A board that answers once there is news: one connection listens, another one tells."""

    def __init__(self, stream: Stream) -> None:
        """Raises what `KeptConnection` does."""
        self._listening = connection_to(stream, LISTENING)
        self._telling = connection_to(stream, TELLING)

    async def tell(self, notices: list[BanNotice]) -> None:
        """Leave word. Raises `BoardError`."""
        await message_board(self._telling, BanMessage(notices))

    async def listen(self, epoch: str, since: int) -> BanNews:
        """Return what is new, once there is some. Raises `BoardError`."""
        content = await message_board(self._listening, BanMessage(epoch=epoch, since=since))
        try:
            return BanNews(epoch, since) if content is None else read_bans(content, BanNews)
        except UnreadableBans as error:
            raise BoardError(f"its answer {error}") from None

    async def close(self) -> None:
        """Hang up. Never raises."""
        self._listening.hang_up()
        self._telling.hang_up()


def connection_to(stream: Stream, patience: float) -> KeptConnection:
    """Return a connection to the board beside a stream. Raises what `KeptConnection` does."""
    return connection_beside(stream, BANS_PATH, patience=patience, body_limit=LARGEST_MESSAGE)


async def message_board(connection: KeptConnection, message: BanMessage) -> bytes | None:
    """Return what answers a message; None where nothing is new. Raises `BoardError`."""
    try:
        reply, content = await connection.ask(msgspec.json.encode(message))
    except NoAnswer as why:
        raise BoardError(str(why)) from None
    if reply.status == NO_CONTENT:
        return None
    if reply.status != OK:
        # Behind a Service the next connection may lead to the replica that leads.
        connection.hang_up()
        raise BoardError(f"answered {reply.status}")
    return content
