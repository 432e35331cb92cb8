"""A connection beside an operator's stream: its address, certificates and token are the stream's.

That of one stream is `connection_beside`; one that follows the stream to whichever address it has
is a `FollowingConnection`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.http.kept import KeptConnection, NoAnswer

if TYPE_CHECKING:
    from airouter.config.delivery import Stream
    from airouter.http.reply import HttpReply


class FollowingConnection:
    """A connection to one path below the address of a stream, which may change."""

    def __init__(self, path: str, *, patience: float, body_limit: int) -> None:
        """`patience` is seconds for an answer, `body_limit` bytes of one."""
        self._path = path
        self._patience = patience
        self._body_limit = body_limit
        self._stream: Stream | None = None
        self._connection: KeptConnection | None = None
        self._why_not = "its address is not known yet"

    def follow(self, stream: Stream) -> bool:
        """Ask at the address of that stream from now on; return whether it is another one."""
        if stream == self._stream:
            return False
        self._stream = stream
        self.hang_up()
        self._connection = None
        try:
            self._connection = connection_beside(
                stream, self._path, patience=self._patience, body_limit=self._body_limit
            )
        except (ValueError, OSError) as error:  # ssl.SSLError is one; the text may quote the token
            self._why_not = f"stream.json cannot be used: {type(error).__name__}"
        return True

    async def ask(self, body: bytes) -> tuple[HttpReply, bytes]:
        """Do what `KeptConnection.ask` does. Raises `NoAnswer`, also where there is no address."""
        if self._connection is None:
            raise NoAnswer(self._why_not)
        return await self._connection.ask(body)

    def hang_up(self) -> None:
        """End the connection; the address stays known."""
        if self._connection is not None:
            self._connection.hang_up()


def connection_beside(
    stream: Stream, path: str, *, patience: float, body_limit: int
) -> KeptConnection:
    """Return a connection to a path below the address of a stream.

    Raises what `KeptConnection` does, whose are the other arguments, too.
    """
    return KeptConnection(
        stream.url + path, stream.ca, stream.token, patience=patience, body_limit=body_limit
    )
