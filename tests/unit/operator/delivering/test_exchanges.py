"""The ledgers of an operator, as any client may ask them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

import httpx
import msgspec
import pytest

from airouter.bookkeeping.messages import SETTLING, LedgerAnswer, LedgerMessage, Line
from airouter.bookkeeping.window import SPAN
from airouter.config.delivery import LEDGER_PATH, MAX_LEDGER_MESSAGE
from airouter_operator.delivering.ledger import LimitLedger, MessageLate, clock_from
from airouter_operator.delivering.ledger_store import LedgerStore
from support.http_client import http_client
from support.secrets_in_memory import SecretsInMemory
from support.stream_control import KEY, TOKEN, StreamControl, stream_control

NEED = Line("client:team:requests", 10, True, 0, 0, 1, 1, 1, [])


def said(number: int, heard: int = 0, born: int = 0, pod: str = "a") -> LedgerMessage:
    """A message of a pod that needs one."""
    return LedgerMessage(pod, "p", number, heard, born, 1 << 50, 0, False, [NEED])


async def exchange(
    operator: StreamControl, body: bytes, authorization: str = f"Bearer {TOKEN}"
) -> httpx.Response:
    """A message to the ledger, whatever is in it."""
    tls = ssl.create_default_context(cadata=operator.stream.ca)
    async with http_client(verify=tls) as client:
        headers = [(b"authorization", authorization.encode())]
        return await client.post(operator.stream.url + LEDGER_PATH, content=body, headers=headers)


async def exchanged(operator: StreamControl, message: LedgerMessage) -> LedgerAnswer:
    """The answer to a message."""
    answer = await exchange(operator, msgspec.json.encode(message))
    assert answer.status_code == 200
    return msgspec.json.decode(answer.content, type=LedgerAnswer)


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", f"Basic {TOKEN}", "Bearer é"])
async def test_a_wrong_token_learns_nothing(authorization: str) -> None:
    async with stream_control() as operator:
        operator.publish("one", 1)
        known = await exchange(operator, msgspec.json.encode(said(1)), authorization)
        operator.channels.withdraw(KEY)
        unknown = await exchange(operator, msgspec.json.encode(said(1)), authorization)
        assert (known.status_code, known.content) == (401, b"")
        assert (unknown.status_code, unknown.content) == (401, b"")


async def test_a_replica_that_may_not_lead_any_more_grants_nothing() -> None:
    async with stream_control() as operator:
        operator.publish("one", 1)
        operator.leads = False
        assert (await exchange(operator, msgspec.json.encode(said(1)))).status_code == 503


def a_ledger(clock: Callable[[int], Callable[[], int]] | None = None) -> LimitLedger:
    """A ledger to which no leader before has left anything."""
    return LimitLedger(LedgerStore(SecretsInMemory(), KEY, "uid"), clock)


def yes() -> bool:
    return True


async def test_a_replica_that_stops_leading_while_a_message_waits_grants_nothing() -> None:
    ledger = a_ledger()
    body = msgspec.json.encode(said(1))
    assert await ledger.exchange(body, lambda: False) is None
    assert await ledger.exchange(body, yes) is not None


DEEP = b"[" * 100_000


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"\xff", DEEP, b'["a","p",1,0,0,0,0,false,[1]]']
)
async def test_what_is_no_message_gets_a_400(body: bytes) -> None:
    async with stream_control() as operator:
        operator.publish("one", 1)
        assert (await exchange(operator, body)).status_code == 400


async def test_a_message_is_read_up_to_its_limit_which_is_not_that_of_polls() -> None:
    async with stream_control() as operator:
        operator.publish("one", 1)
        lines = [msgspec.structs.replace(NEED, key=f"client:{k}") for k in range(5_000)]
        message = msgspec.structs.replace(said(1), lines=lines)
        assert len((await exchanged(operator, message)).grants) == 5_000
        too_large = b"[" + b" " * MAX_LEDGER_MESSAGE
        assert (await exchange(operator, too_large)).status_code == 413


async def test_a_message_that_comes_after_a_later_one_gets_a_409() -> None:
    async with stream_control() as operator:
        operator.publish("one", 1)
        await exchanged(operator, said(2))
        assert (await exchange(operator, msgspec.json.encode(said(1)))).status_code == 409
        assert operator.ledger_statuses == [200, 409]


async def test_the_ledger_outlives_publications_and_not_the_leadership() -> None:
    async with stream_control() as operator:
        operator.publish("one", 1)
        first = await exchanged(operator, said(1))
        operator.publish("two", 2)
        assert (await exchanged(operator, said(2, 1, first.born))).born == first.born
        operator.channels.withdraw_all()
        operator.publish("two", 2)
        anew = await exchanged(operator, said(3, 2, first.born))
        assert anew.born != first.born
        assert anew.grants[0].wait > SPAN  # what the former one granted has to be over


async def test_the_first_ledger_of_a_configuration_grants_at_once_and_the_next_waits_for_pods() -> (
    None
):
    secrets, now = SecretsInMemory(), 1_000
    for amount in (1, 0):
        ledger = LimitLedger(LedgerStore(secrets, KEY, "uid"), lambda _: lambda: now)
        assert await granted_by(ledger, said(1)) == amount
    now += SETTLING
    assert await granted_by(ledger, said(2)) == 1


async def granted_by(ledger: LimitLedger, message: LedgerMessage) -> int:
    """What a ledger grants of a pod's one limit."""
    answer = await ledger.exchange(msgspec.json.encode(message), yes)
    return msgspec.json.decode(answer or b"", type=LedgerAnswer).grants[0].amount


async def test_messages_of_all_sizes_are_settled_one_after_the_other() -> None:
    ledger = a_ledger()
    lines = [NEED, *(msgspec.structs.replace(NEED, key=f"client:{k}") for k in range(2_000))]
    messages = [
        msgspec.structs.replace(said(1, pod=f"pod-{k}"), lines=lines if k % 2 else [NEED])
        for k in range(12)
    ]
    answers = await asyncio.gather(
        *(ledger.exchange(msgspec.json.encode(each), yes) for each in messages)
    )
    granted = [msgspec.json.decode(each or b"", type=LedgerAnswer).grants[0] for each in answers]
    assert sum(grant.amount for grant in granted) == 10


async def test_a_late_message_changes_nothing_whatever_its_size() -> None:
    ledger = a_ledger()
    await ledger.exchange(msgspec.json.encode(said(2)), yes)
    lines = [msgspec.structs.replace(NEED, key=f"client:{k}") for k in range(2_000)]
    late = msgspec.json.encode(msgspec.structs.replace(said(1), lines=lines))
    with pytest.raises(MessageLate):
        await ledger.exchange(late, yes)


def test_no_two_ledgers_begin_at_the_same_time() -> None:
    assert len({clock_from(0)() for _ in range(100)}) == 100


async def test_a_large_message_whose_pod_is_gone_is_settled_before_the_next() -> None:
    ledger = a_ledger()
    lines = [msgspec.structs.replace(NEED, key=f"client:{k}") for k in range(5_000)]
    large = msgspec.json.encode(msgspec.structs.replace(said(1), lines=lines))
    is_read = asyncio.Event()

    def may_grant() -> bool:
        is_read.set()
        return True

    gone = asyncio.create_task(ledger.exchange(large, may_grant))
    await is_read.wait()
    gone.cancel()
    with pytest.raises(MessageLate):  # which knows the first by now
        await ledger.exchange(msgspec.json.encode(said(1)), yes)
