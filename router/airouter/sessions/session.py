"""A session: many responses over one WebSocket.

Requests without `stream_id` are answered one after the other; each `stream_id` is a lane of its
own, and lanes run side by side. Of each lane the newest response is remembered here, so that a
client can go on from it without anything being stored.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Protocol

from airouter.eventloop.tasks import start_eagerly
from airouter.eventloop.turns import HEAVY
from airouter.failures import Failure, invalid_field, overloaded
from airouter.sessions.frames import FrameExchange
from airouter.sessions.messages import read_message, steering_failed, string_in, with_inherited
from airouter.sessions.upstream_sockets import UpstreamSockets

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.bounds.held_bytes import Holding
    from airouter.eventloop.turns import Turns
    from airouter.responses.caller import ServeCaller
    from airouter.responses.records import History
    from airouter.sessions.messages import Fields, SessionMessage

MOST_ACTIVE = 16
"""Responses of a session at a time; more wait."""
MOST_LANES = 32
"""Names of lanes in the life of a session."""
MOST_WAITING = 64
MOST_WAITING_BYTES = 67_108_864
MOST_REMEMBERED = 33_554_432
"""Bytes that a session remembers, the newest responses first."""


class SessionConnection(Protocol):
    """The client's WebSocket, as its session uses it."""

    def send(self, message: bytes) -> None: ...

    def refuse(self, failure: Failure, stream_id: str | None = None) -> None:
        """Tell why a message becomes no request."""
        ...

    def end(self, code: int, reason: str) -> None:
        """Close the connection, once nothing is under way."""
        ...


class LaneMemory(NamedTuple):
    """The newest response of a lane, and the history after it."""

    id: str
    history: History
    said: Fields
    """What a warm-up said once for the response that goes on from it; empty after others."""

    @property
    def size(self) -> int:
        """Bytes, roughly."""
        return len(self.history.items) + sum(len(memoryview(value)) for value in self.said.values())


class Lane:
    """Responses that come one after the other."""

    __slots__ = ("exchange", "newest", "task", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[FrameExchange] = deque()
        self.exchange: FrameExchange | None = None
        """The one under way."""
        self.task: asyncio.Task[None] | None = None
        self.newest: LaneMemory | None = None


class Session:
    """Everything that a client does over one connection: the `SessionLink` of its exchanges."""

    def __init__(
        self,
        wire: SessionConnection,
        serve: ServeCaller,
        headers: dict[bytes, bytes],
        turns: Turns,
        hold: Callable[[int], Holding],
        peer: tuple[str, int] | None = None,
    ) -> None:
        """`hold` returns what holds some of the client's bytes, or raises `Failure` 503.

        `peer` is the address and the port that the connection comes from.
        """
        self._turns = turns
        self._hold = hold
        self._remembered = hold(0)
        """The bytes of what lanes remember."""
        self._wire = wire
        self.send = wire.send
        self._serve = serve
        self._headers = headers
        self.peer = peer
        self.sockets = UpstreamSockets()
        self._lanes: dict[str | None, Lane] = {}
        self._active = asyncio.Semaphore(MOST_ACTIVE)
        self._waiting = 0
        self._waiting_bytes = 0
        self._ending: tuple[int, str] | None = None
        self.paused = False
        """Whether the client reads too slowly."""

    @property
    def idle(self) -> bool:
        """True while nothing is under way."""
        return all(lane.exchange is None for lane in self._lanes.values())

    def receive(self, message: bytes | bytearray) -> None:
        """Take a message of the client. An error is told, and the session goes on."""
        try:
            read = read_message(message)
        except Failure as failure:
            self._wire.refuse(failure)
        else:
            self.take(read)

    def take(self, message: SessionMessage) -> None:
        """Do what a message asks that was read. An error is told, and the session goes on."""
        try:
            self._take(message)
        except Failure as failure:
            self._wire.refuse(failure, message.stream_id)

    def end(self, code: int, reason: str) -> None:
        """Finish what is under way, begin nothing more, and close."""
        if self._ending is None:
            self._ending = code, reason
        self._end_if_idle()

    def lose(self) -> None:
        """Give everything up: the client is gone."""
        for lane in self._lanes.values():
            if lane.task is not None:
                lane.task.cancel()
            for exchange in lane.waiting:
                exchange.release()
        self._remembered.release()
        self.sockets.close()

    def pause(self) -> None:
        """Pause the streams of a client that reads too slowly."""
        self.paused = True
        for lane in self._lanes.values():
            if lane.exchange is not None and lane.exchange.source is not None:
                lane.exchange.source.pause()

    def resume(self) -> None:
        """Go on, as the client has caught up."""
        self.paused = False
        for lane in self._lanes.values():
            if lane.exchange is not None and lane.exchange.source is not None:
                lane.exchange.source.resume()

    # The link of its exchanges.

    def recall(self, id_: str) -> History | None:
        known = self._newest(id_)
        return None if known is None else known.history

    def remember(self, exchange: FrameExchange, id_: str, history: History) -> None:
        lane = self._lanes.pop(exchange.stream_id)
        self._lanes[exchange.stream_id] = lane  # the last one now
        lane.newest = LaneMemory(id_, history, exchange.said or {})
        self._make_room()

    def forget(self, stream_id: str | None, id_: str) -> None:
        lane = self._lanes[stream_id]
        if lane.newest is not None and lane.newest.id == id_:
            lane.newest = None
            self._make_room()

    def _newest(self, id_: str) -> LaneMemory | None:
        found = (lane.newest for lane in self._lanes.values())
        return next((known for known in found if known is not None and known.id == id_), None)

    def _make_room(self) -> None:
        kept = 0
        for lane in reversed(self._lanes.values()):
            if lane.newest is None:
                continue
            size = kept + lane.newest.size
            try:
                if size > MOST_REMEMBERED:
                    raise overloaded()
                self._remembered.resize(size)
            except Failure:
                lane.newest = None
            else:
                kept = size
        self._remembered.resize(kept)  # no more: what is forgotten is not held

    # What a client asks.

    def _take(self, message: SessionMessage) -> None:
        """Do what a message asks. Raises `Failure`."""
        kind = string_in(message.fields, "type")
        if kind == "response.steer":
            self.send(steering_failed(message.fields))
        elif kind == "response.create":
            self._create(message)
        else:
            what = f"'type' must be 'response.create', not {str(kind)[:64]!r}."
            raise invalid_field("type", what)

    def _create(self, message: SessionMessage) -> None:
        """Queue a response. Raises `Failure`."""
        lane = self._lane(message.stream_id)
        if self._waiting >= MOST_WAITING or self._waiting_bytes > MOST_WAITING_BYTES:
            what = f"At most {MOST_WAITING} responses of a session may wait."
            raise Failure(429, what, type="rate_limit_error", code="too_many_requests")
        previous = string_in(message.fields, "previous_response_id")
        exchange = self._exchange(message, previous)
        exchange.holding = self._hold(len(exchange.body))
        self._waiting += 1
        self._waiting_bytes += len(exchange.body)
        lane.waiting.append(exchange)
        if lane.task is None:
            task = start_eagerly(self._run(lane), asyncio.get_running_loop())
            lane.task = None if task.done() else task

    def _lane(self, stream_id: str | None) -> Lane:
        lane = self._lanes.get(stream_id)
        if lane is None:
            if stream_id is not None and len(self._lanes.keys() - {None}) >= MOST_LANES:
                what = f"A connection has at most {MOST_LANES} different values of 'stream_id'."
                raise Failure(400, what, param="stream_id", code="websocket_stream_limit_reached")
            lane = self._lanes[stream_id] = Lane()
        return lane

    def _exchange(self, message: SessionMessage, previous: str | None) -> FrameExchange:
        warmed = None if previous is None else self._newest(previous)
        body, said = message.request, message.said
        if warmed is not None:
            body = with_inherited(message, warmed.said)
            said = None if said is None else warmed.said | said
        return FrameExchange(
            self._headers, body, self, stream_id=message.stream_id, previous=previous, said=said
        )

    async def _run(self, lane: Lane) -> None:
        """Answer what waits in a lane, until nothing does."""
        try:
            while lane.waiting and self._ending is None:
                exchange = lane.waiting.popleft()
                self._waiting -= 1
                self._waiting_bytes -= len(exchange.body)
                try:
                    await self._answer(lane, exchange)
                finally:
                    exchange.release()
                    lane.exchange = None
                if exchange.status == 401:
                    self.end(1008, "the key is not valid")
        finally:
            lane.task = None
            self._end_if_idle()

    async def _answer(self, lane: Lane, exchange: FrameExchange) -> None:
        """Answer one when there is room for it, unless the session ends before that."""
        async with self._active:
            if self._ending is not None:
                return
            lane.exchange = exchange
            if len(exchange.body) > HEAVY:
                await self._turns.turn()
            await self._serve(exchange, exchange)

    def _end_if_idle(self) -> None:
        if self._ending is not None and self.idle:
            self._wire.end(*self._ending)
