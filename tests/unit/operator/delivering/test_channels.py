"""Channels: when the status has to say something new of pods."""

import asyncio
import contextlib

import pytest

from airouter.config.delivery import Poll
from support.stream_control import (
    KEY,
    following_router,
    model,
    stream_control,
)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pods have all the time of a busy machine to answer."""
    monkeypatch.setattr("airouter_operator.delivering.channels.ANSWERING", 30.0)


async def test_a_fleet_that_is_well_is_told_of_once_when_all_pods_run_a_change(
    patient: None,
) -> None:
    async with stream_control() as operator, contextlib.AsyncExitStack() as stack:
        first = operator.publish("one", 1)
        for number in range(8):
            await stack.enter_async_context(following_router(operator.stream, f"pod-{number}"))
        await operator.until(lambda: operator.pods.tally(KEY, first).programmed == 8)
        operator.forget_changes()
        before = operator.acknowledged
        version = operator.publish("two", 2)
        assert operator.channels.awaits_answers(KEY)
        assert await asyncio.wait_for(operator.changed.get(), 30) == KEY
        assert operator.pods.tally(KEY, version).programmed == 8
        assert operator.acknowledged - before == 8
        assert operator.changed.empty()
        assert not operator.channels.awaits_answers(KEY)


async def test_a_pod_that_does_not_answer_is_not_waited_for_long() -> None:
    async with stream_control() as operator, following_router(operator.stream) as (store, _):
        operator.publish("one", 1)
        await operator.until(lambda: model(store) == "one")
        operator.pods.begin(KEY, Poll("silent"))
        operator.publish("two", 2)
        assert operator.channels.awaits_answers(KEY)
        await operator.until(lambda: not operator.channels.awaits_answers(KEY))
        assert model(store) == "two"


async def test_changes_that_keep_coming_do_not_hold_the_status_back() -> None:
    async with stream_control() as operator:
        operator.publish("one", 1)
        operator.pods.begin(KEY, Poll("silent"))
        operator.publish("two", 2)
        await operator.until(lambda: not operator.channels.awaits_answers(KEY))
        operator.publish("three", 3)
        assert not operator.channels.awaits_answers(KEY)
        operator.channels.status_written(KEY)
        operator.publish("four", 4)
        assert operator.channels.awaits_answers(KEY)


async def test_nobody_waits_for_the_pods_of_what_is_gone() -> None:
    async with stream_control() as operator:
        operator.publish("one", 1)
        operator.pods.begin(KEY, Poll("silent"))
        operator.publish("two", 2)
        operator.channels.withdraw(KEY)
        assert not operator.channels.awaits_answers(KEY)
        operator.publish("three", 3)
        assert not operator.channels.awaits_answers(KEY)


async def test_a_router_that_ends_is_forgotten_after_a_moment() -> None:
    async with stream_control(grace=0.05) as operator:
        operator.publish("one", 1)
        async with following_router(operator.stream) as (store, _):
            await operator.until(lambda: model(store) == "one")
        await operator.until(lambda: operator.pods.count() == 0)
