"""A keep-alive connection to an HTTP/1.1 server: writes requests, parses answers with llhttp.

By RFC 9112. A connection serves one request at a time and then goes back to its owner: a pool of
`upstream/pool.py`, or the one server that `kept.py` asks. The connection holds its own deadline, a
number that the pool's sweeper compares: a timer per request would cost more than the rest of this
module. `reply.py` is what is made of an answer.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

import httptools

from airouter.http.reply import HttpReply
from airouter.interfaces import BrokenReply, EndedEarly, UpstreamError, UpstreamTimeout

if TYPE_CHECKING:
    from airouter.config.snapshot import Timeouts
    from airouter.eventloop.turns import Turns

NEVER = float("inf")
HEAD_LIMIT = 262_144
"""Bytes of a header and of the interim answers before it."""
FULL = 65_536
"""Bytes of a read after which there may be more that is there already."""
FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class StaleConnection(BrokenReply):
    """An idle connection that the server closed as it was used again; no byte came back."""


class DiscardedHeaders(dict[bytes, bytes]):
    """Headers that keep nothing, for trailers: those may neither change a header nor pile up."""

    def __setitem__(self, name: bytes, value: bytes) -> None:
        pass


DISCARDED = DiscardedHeaders()


class ConnectionOwner(Protocol):
    """The owner of connections, as they see it."""

    timeouts: Timeouts
    body_limit: int

    @property
    def turns(self) -> Turns | None:
        """Those in which streams are relayed; None where there are no streams."""
        ...

    def write(self, transport: asyncio.Transport, data: bytes, /) -> None:
        """Write a request, now or at the end of the loop's turn."""
        ...

    def release(self, connection: HttpConnection, /) -> None:
        """Take back a connection that can be used again."""
        ...

    def forget(self, connection: HttpConnection, /) -> None:
        """Drop a connection that is closed."""
        ...

    def ended_early(self, error: EndedEarly, /) -> None:
        """Take note that the server has cut an answer, which fails with this error."""
        ...


class HttpConnection(asyncio.Protocol):
    """A connection that is open: `request` is only called once `connection_made` was."""

    def __init__(self, owner: ConnectionOwner) -> None:
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._parser: httptools.HttpResponseParser
        self._transport: asyncio.Transport
        self._head: asyncio.Future[HttpReply] | None = None
        self._reply: HttpReply | None = None
        self._headers: dict[bytes, bytes] = DISCARDED
        self._head_size = 0
        self._paused = False
        self._heard = False
        """Whether any byte of the answer has come, and below, whether one of its body has."""
        self._answered = False
        self._ends_at = NEVER
        self._longest_silence = 0.0
        self.deadline = NEVER
        self.served = 0
        self.idle_since = 0.0
        self.closed = False

    # What the owner does.

    def request(
        self, data: bytes, apart: bytes = b"", *, streamed: bool = False
    ) -> asyncio.Future[HttpReply]:
        """Write a request. Returns a future of the reply, done once its header is there.

        `apart` is a body that is too large to be copied after its header.
        A whole answer may be thought about for as long as all of it may take, and not a byte comes.
        """
        now = time.monotonic()
        timeouts = self._owner.timeouts
        self._longest_silence = timeouts.idle
        self._ends_at = now + timeouts.total
        self.deadline = self._ends_at
        if streamed and timeouts.first_byte < timeouts.total:
            self.deadline = now + timeouts.first_byte
        self.served += 1
        self._heard = self._answered = False
        self._head_size = 0
        self._reply = reply = HttpReply(self, self._owner.body_limit, self._owner.turns)
        self._headers = reply.headers
        self._head = self._loop.create_future()
        self._owner.write(self._transport, data)
        if apart:
            self._owner.write(self._transport, apart)
        return self._head

    def expire(self, now: float) -> None:
        """End the request: its deadline has passed."""
        late = overdue(self._owner.timeouts, whole=now >= self._ends_at, answered=self._answered)
        self._fail(late, self._reply)

    def abort(self) -> None:
        self.closed = True
        self._transport.abort()

    # Backpressure, asked for by the reply.

    def pause(self) -> None:
        if not self._paused and not self.closed:
            self._paused = True
            self._transport.pause_reading()
            # Silence is of our own making now, so that only the timeout for the whole counts.
            self.deadline = self._ends_at

    def resume(self) -> None:
        if self._paused and not self.closed:
            self._paused = False
            self._transport.resume_reading()
            self.deadline = self._after_silence()

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream's transport is one
        # Not before: the two refer to each other, and only `connection_lost` parts them.
        self._parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        reply = self._reply
        if reply is None:  # a server has nothing to say to an idle connection
            self.abort()
            return
        self._heard = True
        try:
            self._parser.feed_data(data)
            reply.flush()
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(BrokenReply("the answer is not HTTP"), reply)
        except UpstreamError as error:
            self._fail(error, reply)
        else:
            if reply.complete:
                reply.finish()
            elif self._answered and not self._paused:
                self.deadline = self._after_silence()
            elif not reply.status:
                self._weigh_head(len(data), reply)
        if len(data) >= FULL:
            self._read_on_later()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        del self._parser  # which refers to the connection, too
        reply, self._reply = self._reply, None
        if reply is not None:
            self._end_early(reply, clean=exc is None)
        self._owner.forget(self)

    def _read_on_later(self) -> None:
        """Leave the rest to the loop's next turn: libuv reads 32 times in one."""
        if not (self._paused or self.closed):
            self._transport.pause_reading()
            self._loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        if not (self._paused or self.closed):
            self._transport.resume_reading()

    # What the parser finds.

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        reply = self._reply
        if reply is None:  # a second answer to one request
            self.abort()
            return
        if status < 200:  # interim: the real answer follows
            reply.headers.clear()
            return
        reply.status = status
        self._headers = DISCARDED
        if self._head is not None and not self._head.done():
            self._head.set_result(reply)

    def on_body(self, body: bytes) -> None:
        if self._reply is not None:
            self._answered = True
            self._reply.size += len(body)
            self._reply.pieces.append(body)

    def on_message_complete(self) -> None:
        reply = self._reply
        if reply is None or not reply.status:  # the end of an interim answer is none
            return
        if self._paused:
            self.resume()
        self.deadline = NEVER
        self._reply = self._head = None
        reply.complete = True
        if self._parser.should_keep_alive() and not self.closed and not self._is_half_sent(reply):
            self._owner.release(self)
        else:
            self.abort()

    def _is_half_sent(self, reply: HttpReply) -> bool:
        """Tell whether a request was refused when half of it was sent: the rest may go unread."""
        return reply.status >= 400 and self._transport.get_write_buffer_size() > 0

    def _weigh_head(self, size: int, reply: HttpReply) -> None:
        self._head_size += size
        if self._head_size > HEAD_LIMIT:
            self._fail(BrokenReply(f"the answer's header exceeds {HEAD_LIMIT} bytes"), reply)

    def _after_silence(self) -> float:
        return min(time.monotonic() + self._longest_silence, self._ends_at)

    # How a request ends otherwise.

    def _end_early(self, reply: HttpReply, *, clean: bool) -> None:
        framed = not FRAMING.isdisjoint(reply.headers)
        if reply.status and clean and not framed:
            reply.finish()  # a body without a length ends with the connection (RFC 9112, 6.3)
        elif self.served > 1 and not self._heard:
            self._fail(StaleConnection("a connection kept alive was closed"), reply)
        else:
            error = EndedEarly("the connection was closed early")
            self._owner.ended_early(error)
            self._fail(error, reply)

    def _fail(self, error: UpstreamError, reply: HttpReply | None) -> None:
        head, self._head, self._reply = self._head, None, None
        self.abort()
        if reply is not None:
            reply.finish(error)
        if head is not None and not head.done():
            head.set_exception(error)


def overdue(timeouts: Timeouts, *, whole: bool, answered: bool) -> UpstreamTimeout:
    """Return the timeout that an answer has missed: that for all of it, or one on the way."""
    if whole:
        return UpstreamTimeout(
            f"the upstream did not finish within {timeouts.total:g} s", timeouts.total
        )
    if answered:
        return UpstreamTimeout(f"the upstream sent nothing for {timeouts.idle:g} s", timeouts.idle)
    seconds = timeouts.first_byte
    return UpstreamTimeout(f"the upstream sent no first byte within {seconds:g} s", seconds)
