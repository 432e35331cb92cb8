"""A session without its wire: what is begun, what is held back, what a client never gets to see."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from airouter.bounds.held_bytes import HeldBytes
from airouter.eventloop.turns import Turns
from airouter.responses.records import History
from airouter.sessions.frames import failure_message
from airouter.sessions.messages import read_message
from airouter.sessions.session import MOST_ACTIVE, Session

if TYPE_CHECKING:
    from airouter.failures import Failure
    from airouter.interfaces import Exchange
    from airouter.responses.caller import Caller


class Wire:
    """Notes what is said."""

    def __init__(self) -> None:
        self.said: list[bytes] = []
        self.ended = asyncio.Event()

    def send(self, message: bytes) -> None:
        self.said.append(message)

    def refuse(self, failure: Failure, stream_id: str | None = None) -> None:
        self.said.append(failure_message(failure, stream_id))

    def end(self, code: int, reason: str) -> None:
        self.ended.set()


class Provider:
    """Answers when it is told to, and can be paused."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.may_answer = asyncio.Event()
        self.begun: list[Exchange] = []
        self.paused = False

    async def serve(self, exchange: Exchange, caller: Caller) -> None:
        self.begun.append(exchange)
        await self.may_answer.wait()
        exchange.source = self
        exchange.start(200, [])
        for piece in self.pieces:
            exchange.write(piece)

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False


def session_of(wire: Wire, provider: Provider, held: HeldBytes | None = None) -> Session:
    held = held or HeldBytes(1 << 28)
    turns = Turns(asyncio.get_running_loop())
    return Session(wire, provider.serve, {}, turns, partial(held.hold, "client"))


def create(lane: str, **fields: str) -> bytes:
    asked = {"type": "response.create", "model": "m", "stream_id": lane}
    return json.dumps(asked | fields).encode()


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not happened():
            await asyncio.sleep(0)


async def test_what_waits_for_its_turn_is_not_begun_by_a_session_that_ends() -> None:
    wire, provider = Wire(), Provider()
    session = session_of(wire, provider)
    for number in range(MOST_ACTIVE + 1):
        session.receive(create(f"lane-{number}"))
    await until(lambda: len(provider.begun) == MOST_ACTIVE)
    session.end(1012, "the router is restarting")
    provider.may_answer.set()
    await asyncio.wait_for(wire.ended.wait(), 30)
    await asyncio.sleep(0)
    assert len(provider.begun) == MOST_ACTIVE


@pytest.mark.parametrize("ends_first", [False, True])
async def test_nothing_is_held_any_more_for_a_client_that_is_gone(*, ends_first: bool) -> None:
    wire, provider, held = Wire(), Provider(), HeldBytes(1 << 28)
    session = session_of(wire, provider, held)
    for number in range(MOST_ACTIVE + 2):
        for _ in range(2):
            session.receive(create(f"lane-{number}", input="x" * 20_000))
    await until(lambda: len(provider.begun) == MOST_ACTIVE)
    assert held.held > 2 * MOST_ACTIVE * 20_000
    if ends_first:
        session.end(1012, "test")
        provider.may_answer.set()
        async with asyncio.timeout(60):
            await wire.ended.wait()
    session.lose()
    await until(lambda: all(lane.task is None for lane in session._lanes.values()))
    assert held.held == 0


async def test_what_a_warm_up_said_is_held_once_more_for_each_request_that_takes_it_over() -> None:
    class Warming(Provider):
        """Remembers what was said at a warm-up, and leaves all else under way."""

        async def serve(self, exchange: Exchange, caller: Caller) -> None:
            if caller.warms_up:
                caller.remember("resp_1", History())
                warm.set()
            else:
                await super().serve(exchange, caller)

    warm, held = asyncio.Event(), HeldBytes(1 << 28)
    session = session_of(Wire(), Warming(), held)
    warm_up = {"type": "response.create", "model": "m", "generate": False, "tools": ["x" * 99_990]}
    session.receive(json.dumps(warm_up).encode())
    await until(warm.is_set)
    for _ in range(10):
        session.receive(create("a", previous_response_id="resp_1", input="x"))
    await until(lambda: held.held > 11 * 99_990)
    session.lose()
    await until(lambda: held.held == 0)


async def test_what_a_session_forgets_is_held_no_more() -> None:
    history = History(items=b"x" * 50_000)

    class Remembering(Provider):
        async def serve(self, exchange: Exchange, caller: Caller) -> None:
            if b"fails" in exchange.body:
                exchange.respond(400, [], b'{"error":{"message":"no"}}')
            else:
                caller.remember("resp_1", history)

    wire, held = Wire(), HeldBytes(1 << 28)
    session = session_of(wire, Remembering(), held)
    session.receive(create("a"))
    await until(lambda: held.held == len(history.items))
    session.receive(create("a", input="fails", previous_response_id="resp_1"))
    await until(lambda: bool(wire.said))
    assert held.held == 0


async def test_a_stream_that_begins_while_the_client_is_behind_is_paused_too() -> None:
    wire, provider = Wire(), Provider(b'event: a\ndata: {"type":"a"}\n\n')
    session = session_of(wire, provider)
    session.pause()
    provider.may_answer.set()
    session.receive(create("late"))
    await until(lambda: bool(wire.said))
    assert provider.paused


def test_half_of_a_character_makes_no_message_unreadable() -> None:
    read = read_message(rb'{"type":"response.create","model":"m","input":"cut \ud83d"}')
    assert json.loads(read.request)["input"] == "cut \ufffd"


async def test_the_end_mark_of_a_stream_is_no_message() -> None:
    wire = Wire()
    provider = Provider(
        b'event: a\ndata: {"type":"a"}\n\n',
        b"data: [DONE]\n\n",
        b'event: b\r\ndata: {"type":"b"}\r\n\r\ndata: [DONE]\r\n\r\n',
    )
    session = session_of(wire, provider)
    provider.may_answer.set()
    session.receive(b'{"type":"response.create","model":"m"}')
    await until(lambda: session.idle and len(wire.said) > 1)
    assert wire.said == [b'{"type":"a"}', b'{"type":"b"}']


async def test_an_event_of_several_lines_is_one_message() -> None:
    wire, provider = Wire(), Provider(b'event: a\ndata: {"type":\ndata: "a"}\n\n')
    session = session_of(wire, provider)
    provider.may_answer.set()
    session.receive(b'{"type":"response.create","model":"m"}')
    await until(lambda: bool(wire.said))
    assert wire.said == [b'{"type":\n"a"}']


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"code": "rate_limit_exceeded"}, 429),
        ({"error": {"type": "invalid_request_error", "code": None}}, 400),
        ({"error": {"code": "timeout"}}, 504),
        ({"error": {"code": "unheard_of"}}, 502),
        ({"status_code": 503, "error": {"code": "invalid_prompt"}}, 503),
        ({"status": 418, "error": {"code": "invalid_prompt"}}, 418),
    ],
)
async def test_an_error_of_a_stream_has_a_status(error: dict[str, Any], status: int) -> None:
    told = msgspec.json.encode({"type": "error", **error})
    wire, provider = Wire(), Provider(b"event: error\ndata: %b\n\n" % told)
    session = session_of(wire, provider)
    provider.may_answer.set()
    session.receive(b'{"type":"response.create","model":"m"}')
    await until(lambda: bool(wire.said))
    assert msgspec.json.decode(wire.said[0]) == {"type": "error", **error, "status": status}
