"""What a client is told of a failure is what happened."""

from __future__ import annotations

import asyncio
import contextlib

import anthropic
import openai
import pytest

from failover.faulty import (
    OPENING,
    SAID,
    STREAM_HEAD,
    Fault,
    cut,
    cutting,
    reset,
    stalling,
)
from failover.stage import CLIENTS, Stage, stage
from support.http_client import http_client

SHORT = "300ms"
ONCE = {"attempts": 0}


async def mumble(writer: asyncio.StreamWriter, _: asyncio.Event) -> None:
    """Answer with the page of a gateway, and status 200."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n"
    writer.write(head + b"<html></html>")


async def babble(writer: asyncio.StreamWriter, _: asyncio.Event) -> None:
    """Answer with a stream that is none."""
    writer.write(STREAM_HEAD + b'data: {"id": "c", "choi\n\n')
    writer.close()


EARLY, UNREADABLE = "ended early", "unreadable answer"
WHOLE: dict[str, tuple[Fault, str]] = {
    "a reset before the answer": (reset, EARLY),
    "a cut": (cut, EARLY),
    "a page": (mumble, UNREADABLE),
    "silence": (stalling(), "took longer than 1 s"),
}
STREAMED: dict[str, tuple[Fault, str]] = {
    "a cut in the opening": (cutting(OPENING), EARLY),
    "an unreadable event": (babble, UNREADABLE),
    "silence": (stalling(), "longer than 0.3 s"),
    "a cut in the middle": (cutting(OPENING, SAID), EARLY),
    "silence in the middle": (stalling(OPENING, SAID), "longer than 0.3 s"),
}


async def refused_by_both(found: Stage, fault: Fault, api: str | None = None) -> str:
    """What a client is told where both providers fail alike; `api` is that of a stream."""
    found.first.always = found.second.always = fault
    with pytest.raises((openai.APIError, anthropic.APIError)) as caught:
        await (found.ask() if api is None else found.stream(api))
    return str(caught.value)


@pytest.mark.parametrize(("fault", "told"), WHOLE.values(), ids=WHOLE.keys())
async def test_a_client_is_told_what_became_of_a_whole_answer(fault: Fault, told: str) -> None:
    short = {"connect": "1s", "total": "1s"} if "longer" in told else {}
    async with stage("backends", short, alike=True, retries=ONCE) as found:
        assert told in await refused_by_both(found, fault)


@CLIENTS
@pytest.mark.parametrize(("fault", "told"), STREAMED.values(), ids=STREAMED.keys())
async def test_a_client_is_told_what_became_of_a_stream(fault: Fault, told: str, api: str) -> None:
    short = {"firstByte": SHORT, "idle": SHORT} if "longer" in told else {}
    async with stage("backends", short, alike=True, retries=ONCE) as found:
        assert told in await refused_by_both(found, fault, api)


@CLIENTS
@pytest.mark.parametrize("wanted", ["Error", "Continue"])
async def test_a_stream_without_its_end_counts_as_a_broken_reply(api: str, wanted: str) -> None:
    async with stage("backends", onBrokenStream=wanted, retries={"attempts": 1}) as found:
        found.first.always = cutting(OPENING, SAID)
        with contextlib.suppress(openai.APIError, anthropic.APIError):
            await found.stream(api)
        async with http_client() as http:
            metrics = (await http.get(f"{found.base_url}/metrics")).text
    counted = [line for line in metrics.splitlines() if "upstream_attempts_total{" in line]
    assert [line for line in counted if 'credential="first"' in line] == [
        'airouter_upstream_attempts_total{credential="first",error="broken_reply",status="200"} 1.0'
    ]


async def test_only_what_nobody_reached_could_not_be_reached() -> None:
    async with stage("backends") as found:
        found.first.hang_up()
        found.second.hang_up()
        with pytest.raises(openai.APIError, match="could not be reached"):
            await found.ask()
