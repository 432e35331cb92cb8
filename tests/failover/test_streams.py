"""Faults of a provider in the middle of a stream, seen by the official SDKs, with defaults."""

from __future__ import annotations

import anthropic
import httpx
import openai
import pytest

from failover.faulty import (
    DONE,
    OPENING,
    SAID,
    STOP,
    Fault,
    cutting,
    refusing,
    stalling,
    streaming,
)
from failover.stage import CLIENTS, SHAPES, stage

SHORT = "300ms"
ERROR = b'data: {"error": {"message": "overloaded", "type": "server_error", "code": 503}}\n\n'
LLAMA_CPP = b'error: {"code":500,"message":"overloaded","type":"server_error"}\n\n'
"""As llama.cpp's server told it until late in 2025, and then that the stream is over."""
MALFORMED = b'data: {"id": "c", "choi\n\n'
UNSAID: dict[str, Fault] = {
    "silence": stalling(),
    "a head alone": stalling(b": queued\n\n"),
    "a cut in the opening": cutting(OPENING),
    "an end in the opening": streaming(OPENING),
    "an error as the first event": streaming(ERROR),
    "an error after the opening": streaming(OPENING, ERROR),
    "an error of llama.cpp": streaming(LLAMA_CPP, DONE),
    "a malformed first event": streaming(MALFORMED),
    "no event": streaming(),
}
HALF: dict[str, Fault] = {
    "a cut": cutting(OPENING, SAID),
    "a stall": stalling(OPENING, SAID),
    "an end without a reason": streaming(OPENING, SAID, then=(b": the end\n\n",)),
    "a malformed event": streaming(OPENING, SAID, then=(MALFORMED, STOP, DONE)),
    "an error": streaming(OPENING, SAID, then=(ERROR,)),
    "an error of llama.cpp": streaming(OPENING, SAID, then=(LLAMA_CPP, DONE)),
}
WHOLE: dict[str, Fault] = {
    "no [DONE]": streaming(OPENING, SAID, STOP),
    "no [DONE], and no end": stalling(OPENING, SAID, STOP),
    "a cut after the last event": cutting(OPENING, SAID, STOP),
}
FAILED = (openai.APIError, anthropic.APIError, httpx.RemoteProtocolError, RuntimeError)


def of(faults: dict[str, Fault]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("fault", faults.values(), ids=faults.keys())


@SHAPES
@CLIENTS
@of(UNSAID)
async def test_a_stream_that_has_said_nothing_is_given_by_another_provider(
    fault: Fault, api: str, shape: str
) -> None:
    async with stage(shape, {"firstByte": SHORT, "idle": SHORT}) as found:
        found.first.always = fault
        assert await found.stream(api) == "second"
        assert (found.first.asked, found.second.asked) == (1, 1)


@SHAPES
@CLIENTS
async def test_a_first_token_that_is_late_is_given_by_another_provider(
    api: str, shape: str
) -> None:
    async with stage(shape, {"firstToken": SHORT}) as found:
        found.first.always = stalling(OPENING, b": ping\n\n")
        assert await found.stream(api) == "second"


@SHAPES
@CLIENTS
@of(HALF)
async def test_a_stream_that_breaks_in_its_middle_ends_in_an_error(
    fault: Fault, api: str, shape: str
) -> None:
    async with stage(shape, {"idle": SHORT}) as found:
        found.first.always = fault
        with pytest.raises(FAILED):
            await found.stream(api)
        assert found.second.asked == 0


@of(HALF)
async def test_a_stream_that_breaks_says_which_request_it_answered(fault: Fault) -> None:
    async with stage("backends", {"idle": SHORT}) as found:
        found.first.always = fault
        with pytest.raises(anthropic.APIStatusError) as caught:
            await found.stream("messages")
        told = caught.value.body
        assert isinstance(told, dict)
        assert told["request_id"] == caught.value.request_id


@SHAPES
@CLIENTS
@of(WHOLE)
async def test_a_stream_that_lacks_nothing_but_its_end_is_whole(
    fault: Fault, api: str, shape: str
) -> None:
    async with stage(shape, {"idle": "1s"}) as found:
        found.first.always = fault
        assert await found.stream(api) == "half of "


@CLIENTS
async def test_a_provider_that_flaps_costs_no_request(api: str) -> None:
    async with stage("backends") as found:
        for number in range(60):
            found.first.always = refusing(503) if number % 2 else None
            assert await found.stream(api) in ("first", "second")


@SHAPES
async def test_the_model_and_the_usage_are_those_of_who_answered(shape: str) -> None:
    async with stage(shape) as found:
        found.first.always = refusing(503)
        answer = await found.whole()
        assert answer.model == "second"
        assert answer.usage is not None
        assert answer.usage.total_tokens == 2
