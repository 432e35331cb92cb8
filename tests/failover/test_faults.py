"""Faults of a provider, in the two shapes of failover, seen by the SDK of OpenAI with defaults."""

from __future__ import annotations

import time

import pytest
from openai import APIStatusError, NotFoundError

from failover.faulty import Fault, cut, refusing, reset
from failover.stage import SHAPES, stage

STREAMED = pytest.mark.parametrize("streamed", [False, True])
MENDED: dict[str, Fault] = {
    "a 500": refusing(500),
    "a 503": refusing(503),
    "a 429": refusing(429),
    "a 429 with a wait": refusing(429, None, "retry-after: 30"),
    "a refused key": refusing(401),
    "an account that has not paid": refusing(402),
    "an account without the model": refusing(404, "model_not_found"),
    "a 499, though nobody left": refusing(499),
    "a reset": reset,
}
DEADLY: dict[str, Fault] = {"503s": refusing(503), "resets": reset, "cut answers": cut}


@SHAPES
@STREAMED
@pytest.mark.parametrize("fault", MENDED.values(), ids=MENDED.keys())
async def test_another_provider_answers_at_once(
    fault: Fault, shape: str, *, streamed: bool
) -> None:
    async with stage(shape) as found:
        found.first.always = fault
        started = time.monotonic()
        assert await found.ask(streamed=streamed) == "second"
        assert time.monotonic() - started < 20.0  # the wait that is told is longer
        assert (found.first.asked, found.second.asked) == (1, 1)


@SHAPES
async def test_an_answer_that_is_cut_in_its_middle_is_given_by_another_provider(shape: str) -> None:
    async with stage(shape) as found:
        found.first.always = cut
        assert await found.ask() == "second"


@SHAPES
async def test_a_wait_is_kept_when_nobody_else_can_answer(shape: str) -> None:
    async with stage(shape) as found:
        found.second.always = refusing(503)
        found.first.faults.append(refusing(429, None, "retry-after: 1"))
        started = time.monotonic()
        assert await found.ask() == "first"
        assert time.monotonic() - started >= 1.0


async def test_a_prompt_that_is_too_long_goes_to_the_fallback() -> None:
    async with stage("fallback") as found:
        found.first.always = refusing(400, "context_length_exceeded")
        assert await found.ask() == "second"


async def test_a_filtered_prompt_goes_to_the_fallback_by_choice_alone() -> None:
    async with stage("fallback", fallbackOn=["contentFilter"]) as found:
        found.first.always = refusing(400, "content_filter")
        assert await found.ask() == "second"
    async with stage("fallback") as found:
        found.first.always = refusing(400, "content_filter")
        with pytest.raises(APIStatusError, match="no"):
            await found.ask()
        assert found.second.asked == 0


async def test_a_fallback_that_refuses_the_request_does_not_hide_the_outage() -> None:
    async with stage("fallback") as found:
        found.first.always = refusing(503)
        found.second.always = refusing(400, "unknown_parameter")
        with pytest.raises(APIStatusError) as caught:
            await found.ask()
        assert caught.value.status_code == 503


@SHAPES
@pytest.mark.parametrize("fault", DEADLY.values(), ids=DEADLY.keys())
async def test_when_all_are_dead_the_reason_is_told_in_bounded_time_and_without_a_storm(
    fault: Fault, shape: str
) -> None:
    async with stage(shape) as found:
        found.first.always = found.second.always = fault
        for _ in range(50):
            with pytest.raises(APIStatusError) as caught:
                await found.ask()
            assert caught.value.status_code == 503
            assert caught.value.response.headers["x-should-retry"] == "false"
        # Each is asked once for a request, and again as often as the budget of each allows.
        assert found.first.asked + found.second.asked <= 2 * 50 + 2 * (10 + 10)


async def test_when_none_could_be_reached_all_are_counted_and_the_last_reason_is_told() -> None:
    async with stage("fallback") as found:
        found.first.always = found.second.always = reset
        with pytest.raises(APIStatusError, match=r"None of the 2 backends .* ended early"):
            await found.ask()


@SHAPES
async def test_a_model_that_no_account_has_is_told_as_such_and_looked_for_once_in_each(
    shape: str,
) -> None:
    async with stage(shape) as found:
        found.first.always = found.second.always = refusing(404, "model_not_found")
        with pytest.raises(NotFoundError):
            await found.ask()
        assert (found.first.asked, found.second.asked) == (1, 1)


async def test_a_client_that_is_there_is_never_told_that_it_left() -> None:
    async with stage("backends") as found:
        found.first.always = found.second.always = refusing(499)
        with pytest.raises(APIStatusError) as caught:
            await found.ask()
        assert caught.value.status_code == 502


@SHAPES
async def test_hardly_a_request_waits_for_a_dead_provider(shape: str) -> None:
    async with stage(shape) as found:
        found.first.always = reset
        for _ in range(300):
            assert await found.ask() == "second"
        assert found.first.asked < 30
