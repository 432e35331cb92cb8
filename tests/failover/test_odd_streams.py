"""Streams that keep to no standard, seen by the official SDKs."""

from __future__ import annotations

import pytest

from failover.faulty import DONE, OPENING, SAID, STOP, chunk, streaming
from failover.stage import CLIENTS, stage

EMPTY = [
    pytest.param(b"event: message\n\n", id="a name"),
    pytest.param(b"retry: 3000\n\n", id="a time to wait"),
    pytest.param(b"id: 7\n\n", id="an id"),
    pytest.param(b": queued\nevent: message\n\n", id="a comment and a name"),
    pytest.param(b"\r\n", id="a line end"),
]


@CLIENTS
@pytest.mark.parametrize("event", EMPTY)
async def test_an_event_without_data_fails_no_sdk(event: bytes, api: str) -> None:
    async with stage("backends") as found:
        found.first.always = streaming(event, OPENING, event, SAID, then=(event, STOP, DONE))
        assert await found.stream(api) == "half of "


@CLIENTS
async def test_a_mark_of_the_byte_order_costs_no_word(api: str) -> None:
    async with stage("backends") as found:
        begun = b"\xef\xbb\xbf" + chunk("first", {"role": "assistant", "content": "All "})
        found.first.always = streaming(begun, SAID, STOP, DONE)
        assert await found.stream(api) == "All half of "


@CLIENTS
async def test_what_cannot_be_read_after_the_last_word_costs_none(api: str) -> None:
    async with stage("backends") as found:
        unreadable = b'data: {"choices": [{"index": 0, "delta": {}}], "usage": "many"}\n\n'
        found.first.always = streaming(OPENING + SAID + STOP + unreadable + DONE)
        assert await found.stream(api) == "half of "
