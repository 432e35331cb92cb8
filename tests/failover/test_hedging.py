"""A second backend beside one that is slow."""

from __future__ import annotations

import pytest

from failover.faulty import OPENING, refusing, stalling
from failover.stage import CLIENTS, SHAPES, stage

SOON = {"after": "200ms", "percent": 100}


@SHAPES
@CLIENTS
async def test_a_second_backend_answers_beside_a_slow_stream(api: str, shape: str) -> None:
    async with stage(shape, hedge=SOON) as found:
        found.first.always = stalling(OPENING)
        assert await found.stream(api) == "second"
        assert (found.first.asked, found.second.asked) == (1, 1)


@SHAPES
async def test_a_second_backend_answers_beside_a_slow_whole_answer(shape: str) -> None:
    async with stage(shape, hedge=SOON) as found:
        found.first.always = stalling()
        answer = await found.whole()
        assert answer.model == "second"


async def test_a_backend_that_answers_in_time_is_asked_alone() -> None:
    async with stage("backends", hedge={"after": "20s"}) as found:
        assert await found.ask() == "first"
        assert await found.ask(streamed=True) == "first"
        assert found.second.asked == 0


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_slow_one_counts_when_the_second_fails(*, streamed: bool) -> None:
    async with stage("backends", {"total": "1s", "connect": "1s"}, hedge=SOON) as found:
        found.first.always = stalling()
        found.second.faults.append(refusing(503))
        assert await found.ask(streamed=streamed) == "second"  # once the first has failed, too
        assert (found.first.asked, found.second.asked) == (1, 2)
