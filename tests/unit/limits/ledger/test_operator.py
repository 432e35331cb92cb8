"""The ledger in an operator as a pod asks it, over real TLS."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import pytest
import trustme

from airouter.bookkeeping.messages import LedgerMessage, Line
from airouter.config.delivery import LEDGER_PATH, MAX_LEDGER_MESSAGE, Stream
from airouter.limits.ledger.base import LedgerError
from airouter.limits.ledger.operator import OperatorLedger, message_body
from support.stream_control import TOKEN, StreamControl, stream_control

PATIENCE = 60.0
NEED = Line("k", 10, True, 0, 0, 1, 1, 1, [])
ANSWER = b"[1,1,1,[[1,0,9]]]"


def said(number: int, *lines: Line) -> LedgerMessage:
    """A message of a pod."""
    return LedgerMessage("a", "p", number, 0, 0, 0, 0, False, list(lines))


@contextlib.asynccontextmanager
async def following(operator: StreamControl) -> AsyncIterator[OperatorLedger]:
    """The ledger of an operator."""
    ledger = OperatorLedger(PATIENCE)
    ledger.follow(operator.stream)
    yield ledger
    await ledger.close()


async def test_an_exchange_is_answered_by_the_operator_that_streams() -> None:
    async with stream_control() as operator, following(operator) as ledger:
        operator.publish("one", 1)
        answer = await ledger.exchange(said(1, NEED, NEED))
        assert [grant.amount for grant in answer.grants] == [1, 1]  # nobody was before it
        assert (await ledger.exchange(said(2))).born == answer.born


async def test_before_its_address_is_known_nobody_is_asked() -> None:
    with pytest.raises(LedgerError, match="not known yet"):
        await OperatorLedger().exchange(said(1))


@pytest.mark.parametrize("wrong", ["token\nof: more", "token-é\n"])
async def test_an_address_that_cannot_be_used_is_told_without_its_token(wrong: str) -> None:
    ledger = OperatorLedger()
    ledger.follow(Stream("https://127.0.0.1:1/x", "no certificates", wrong))
    with pytest.raises(LedgerError, match=r"stream\.json cannot be used") as refused:
        await ledger.exchange(said(1))
    assert "token" not in str(refused.value)


async def test_an_operator_that_does_not_lead_or_does_not_know_the_token_is_no_ledger() -> None:
    async with stream_control() as operator, following(operator) as ledger:
        operator.publish("one", 1)
        operator.leads = operator.ready = False
        with pytest.raises(LedgerError, match="answered 503"):
            await ledger.exchange(said(1))
        operator.leads = operator.ready = True
        await ledger.exchange(said(2))
        ledger.follow(msgspec.structs.replace(operator.stream, token="of another"))
        with pytest.raises(LedgerError, match="answered 401") as refused:
            await ledger.exchange(said(3))
        assert TOKEN not in str(refused.value)
        ledger.follow(operator.stream)
        await ledger.exchange(said(4))


async def test_a_message_that_came_late_is_no_exchange() -> None:
    async with stream_control() as operator, following(operator) as ledger:
        operator.publish("one", 1)
        await ledger.exchange(said(2))
        with pytest.raises(LedgerError, match="answered 409"):
            await ledger.exchange(said(1))


class Service:
    """What pods reach under one address: some replicas, of which each connection finds the next."""

    def __init__(self, *replies: bytes) -> None:
        self.replies = list(replies)
        self.connections = 0
        self.asked: list[bytes] = []
        self.is_silent = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        reply = self.replies[(self.connections - 1) % len(self.replies)]
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                self.asked.append(head + await reader.readexactly(length))
                if not self.is_silent:
                    writer.write(reply)
        writer.close()


def replied(status: str, body: bytes = b"") -> bytes:
    """An answer over HTTP."""
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


@contextlib.asynccontextmanager
async def asking(
    service: Service, patience: float = PATIENCE
) -> AsyncIterator[Callable[[LedgerMessage], Awaitable[object]]]:
    """Exchanges with a service."""
    ca = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1").configure_cert(tls)
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    ledger = OperatorLedger(patience)
    ledger.follow(Stream(f"https://127.0.0.1:{port}/v1/x", ca.cert_pem.bytes().decode(), "secret"))
    async with server:
        yield ledger.exchange
        await ledger.close()


async def test_behind_a_service_the_replica_that_leads_is_found_in_the_same_exchange() -> None:
    service = Service(replied("503 Service Unavailable"), replied("200 OK", ANSWER))
    async with asking(service) as exchange:
        await exchange(said(1, NEED))
        await exchange(said(2, NEED))
    assert service.connections == 2
    assert service.asked[0].startswith(f"POST /v1/x{LEDGER_PATH} HTTP/1.1\r\n".encode())


@pytest.mark.parametrize("body", [b"", b"{}", b"[1,1,1,[]]", b"[1,1,1,[[1,0,9],[1,0,9]]]", b"\xff"])
async def test_an_answer_that_is_none_is_no_grant(body: bytes) -> None:
    async with asking(Service(replied("200 OK", body))) as exchange:
        with pytest.raises(LedgerError, match="broken reply"):
            await exchange(said(1, NEED))


async def test_an_operator_that_keeps_silent_is_left_alone_for_a_while_and_then_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = Service(replied("200 OK", ANSWER))
    now = 0.0
    monkeypatch.setattr("airouter.limits.ledger.operator.monotonic", lambda: now)
    async with asking(service, patience=0.05) as exchange, asyncio.timeout(PATIENCE):
        service.is_silent = True
        number = 0
        while not service.asked:  # the first may time out while it connects
            number, now = number + 1, now + 10.0
            with pytest.raises(LedgerError):
                await exchange(said(number, NEED))
        for _ in range(10):
            with pytest.raises(LedgerError, match="left alone"):
                await exchange(said(number + 1, NEED))
        service.is_silent = False
        while True:
            number, now = number + 1, now + 10.0
            with contextlib.suppress(LedgerError):
                await exchange(said(number, NEED))
                break


async def test_a_message_after_a_long_silence_of_many_limits_still_fits() -> None:
    uses = [(age, 1) for age in range(1199, -1, -1)]
    lines = [msgspec.structs.replace(NEED, key=f"client:{k}", uses=uses) for k in range(1_000)]
    body = message_body(said(1, *lines))
    assert len(body) < MAX_LEDGER_MESSAGE
    told = msgspec.json.decode(body, type=LedgerMessage)
    assert sum(amount for _, amount in told.lines[0].uses) == 1_200
    assert told.lines[0].uses[-1] == (0, 20)
    assert told.lines[0].uses[0] == (1180, 20)
