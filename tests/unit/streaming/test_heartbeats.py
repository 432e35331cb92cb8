"""One sweep looks after all streams, also where it fails for one of them."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from airouter.interfaces import Exchange
from airouter.streaming.heartbeats import ClientStream, Heartbeats

BEAT = b": ping\n\n"
OFTEN = 0.01


class StreamedExchange:
    """As much of an exchange as a heartbeat needs."""

    started = True

    def __init__(self, fault: Exception | None = None) -> None:
        self.beats: asyncio.Queue[bytes] = asyncio.Queue()
        self._fault = fault

    def write(self, data: bytes) -> None:
        if self._fault is not None:
            raise self._fault
        self.beats.put_nowait(data)


def stream_of(exchange: StreamedExchange) -> ClientStream:
    return ClientStream(cast("Exchange", exchange), lambda: None, BEAT, OFTEN, 0.0)


async def test_a_stream_that_cannot_be_looked_after_keeps_no_other_from_its_heartbeats(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken, sound = StreamedExchange(ValueError("a fault")), StreamedExchange()
    streams = [stream_of(each) for each in (broken, sound)]
    heartbeats = Heartbeats()
    for stream in streams:
        heartbeats.watch(stream)
    async with asyncio.timeout(60):
        for _ in range(3):
            assert await sound.beats.get() == BEAT
    for stream in streams:
        heartbeats.forget(stream)
    assert caplog.text.count("a fault") == 1
