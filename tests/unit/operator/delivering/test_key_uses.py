"""The use of keys as pods tell it: once each, and in a status no more often than that may be."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from airouter.bookkeeping.key_use import KeyUse, UseReport
from airouter_operator.delivering import key_uses
from airouter_operator.delivering.counted_reports import MOST_REPORTS
from airouter_operator.delivering.key_uses import LARGEST, KeyUses, NewUse
from airouter_operator.kube.objects import ObjectKey
from support.stream_control import ask, stream_control

CONFIG = ObjectKey("ai", "default")
ONE, TWO = ObjectKey("team-a", "one"), ObjectKey("team-a", "two")


class Operated:
    """Uses, and the keys whose status is due."""

    def __init__(self, every: float = 3600.0) -> None:
        self.due: asyncio.Queue[ObjectKey] = asyncio.Queue()
        self.uses = KeyUses(
            lambda key: CONFIG if key.namespace == "team-a" else None,
            lambda key: {},
            self.due.put_nowait,
            every,
        )

    def take(self, number: int, *names: str, pod: str = "pod-0", process: str = "p") -> None:
        told = [KeyUse(name, 1, 10, 100, 0, {}, "") for name in names]
        self.uses.take(CONFIG, UseReport(pod, process, number, told))

    async def next_due(self) -> ObjectKey:
        async with asyncio.timeout(60):
            return await self.due.get()

    def requests(self, key: ObjectKey) -> int:
        use = self.uses.begin(key, {})
        self.uses.done(key)
        return 0 if use is None else use.requests


async def test_a_report_counts_once_however_often_it_is_told() -> None:
    operated = Operated()
    for number in (1, 1, 2, 1):
        operated.take(number, "team-a/one")
    operated.take(1, "team-a/one", process="another")
    operated.take(1, "team-a/one", pod="pod-1")
    assert await operated.next_due() == ONE
    assert operated.requests(ONE) == 4
    assert operated.requests(ONE) == 0
    operated.uses.end()


async def test_a_pod_tells_nothing_of_the_keys_of_another_router() -> None:
    operated = Operated()
    operated.take(1, "team-b/one", "no-name", "team-a/two")
    assert await operated.next_due() == TWO
    assert operated.uses.end() == [TWO]


async def test_the_status_of_a_busy_key_is_not_due_again_at_once_and_nothing_is_lost() -> None:
    operated = Operated()
    operated.take(1, "team-a/one")
    assert await operated.next_due() == ONE
    assert operated.requests(ONE) == 1
    operated.take(2, "team-a/one")
    operated.take(3, "team-a/one", "team-a/two")
    assert await operated.next_due() == TWO
    assert operated.due.empty()
    assert operated.requests(ONE) == 0
    assert operated.uses.end() == [ONE, TWO]
    assert operated.requests(ONE) == 2


async def test_a_write_in_doubt_that_was_made_leaves_nothing_due() -> None:
    operated = Operated()
    operated.take(1, "team-a/one")
    assert await operated.next_due() == ONE
    assert operated.uses.begin(ONE, {}) is not None
    assert operated.uses.begin(ONE, {"p": 1}) is None
    operated.take(2, "team-a/one")
    assert operated.uses.begin(ONE, {"p": 1}) is None
    assert operated.uses.end() == [ONE]
    assert operated.requests(ONE) == 1


async def test_what_cannot_be_written_stays_as_it_is_and_what_came_meanwhile_follows() -> None:
    operated = Operated(every=0.01)
    operated.take(1, "team-a/one")
    assert await operated.next_due() == ONE
    use = operated.uses.begin(ONE, {})
    assert use is not None
    operated.take(2, "team-a/one")
    assert await operated.next_due() == ONE
    assert operated.uses.begin(ONE, {}) == use
    again = operated.uses.begin(ONE, {"p": 1})
    assert again is not None
    assert again == use._replace(last_used=again.last_used, reports={"p": 2})
    operated.uses.done(ONE)
    assert operated.requests(ONE) == 0
    operated.uses.end()


async def test_a_status_names_the_reports_of_the_processes_that_told_last() -> None:
    operated = Operated()
    for at in range(MOST_REPORTS + 1):
        operated.take(1, "team-a/one", pod=f"pod-{at}", process=f"p{at}")
    operated.take(2, "team-a/one", pod="pod-1", process="p1")
    assert await operated.next_due() == ONE
    use = operated.uses.begin(ONE, {})
    assert use is not None
    assert use.requests == MOST_REPORTS + 2
    last = {f"p{at}": 1 for at in range(2, MOST_REPORTS + 1)} | {"p1": 2}
    assert list(use.reports.items()) == list(last.items())
    operated.uses.end()


async def test_many_keys_are_due_a_few_at_a_time() -> None:
    operated = Operated()
    operated.take(1, *(f"team-a/k{number}" for number in range(key_uses.MOST_AT_ONCE + 7)))
    await operated.next_due()
    assert operated.due.qsize() == key_uses.MOST_AT_ONCE - 1
    operated.uses.end()


USED = ["team-a/one", 1, 1, 1, 0, None]


@pytest.mark.parametrize(
    "told",
    [
        ["", "p", 1, []],
        ["p" * 254, "p", 1, []],
        ["pod-0", "p" * 65, 1, []],
        ["pod-0", "p", 0, []],
        ["pod-0", "p", 2**53, []],
        ["pod-0", "p", 1, [USED] * 2001],
        ["pod-0", "p", 1, [[*USED[:5], dict.fromkeys("abcdefghi", 1)]]],
    ],
    ids=[
        "no pod",
        "a long pod",
        "a long process",
        "no number",
        "a large number",
        "many keys",
        "many periods",
    ],
)
async def test_what_no_pod_would_tell_is_refused(told: list[object]) -> None:
    async with stream_control() as operator:
        operator.publish("one", 1)
        good = await ask(operator, msgspec.json.encode(["pod-0", "p", 1, [USED]]), path="/use")
        answer = await ask(operator, msgspec.json.encode(told), path="/use")
        assert (good.status_code, answer.status_code) == (204, 400)
        operator.uses.end()


async def test_numbers_that_no_status_has_room_for_are_the_largest_that_it_has() -> None:
    operated = Operated()
    absurd = KeyUse("team-a/one", 10**30, -1, 10**30, 10**30, {"2026-11": 10**30})
    operated.uses.take(CONFIG, UseReport("pod-0", "p", 1, [absurd]))
    assert await operated.next_due() == ONE
    use = operated.uses.begin(ONE, {})
    assert use is not None
    spent = {"2026-11": LARGEST}
    assert use == NewUse(LARGEST, 0, LARGEST, 0.0, spent, None, {"p": 1})
    operated.uses.end()
