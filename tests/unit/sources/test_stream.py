"""A stream whose address cannot be used is left for the next one, whatever is wrong with it."""

from __future__ import annotations

import asyncio

import pytest
import trustme

from airouter.config.delivery import Stream
from airouter.config.store import SnapshotStore
from airouter.sources.stream import StreamSource

CA = trustme.CA().cert_pem.bytes().decode()


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        (Stream("https://[::1/x", CA, "t"), "ValueError"),
        (Stream("https://host:port/x", CA, "t"), "ValueError"),
        (Stream("https://host/x", CA, "t\r\nx: y"), "ValueError"),
        (Stream("https://host/x", "\u00fc", "t"), "SSLError"),
        (Stream("https://host/x", "", "t"), "SSLError"),
    ],
    ids=["host", "port", "token", "garbage", "nothing"],
)
async def test_what_cannot_be_used_is_said_and_tried_again(stream: Stream, error: str) -> None:
    paused = asyncio.Event()

    async def sleep(_: float) -> None:
        paused.set()
        await asyncio.sleep(0)

    source = StreamSource(SnapshotStore(lambda _: None), "pod", sleep=sleep)
    source.follow(stream)
    running = asyncio.create_task(source.run())
    async with asyncio.timeout(30):
        await paused.wait()
    assert source.state.error == f"stream.json cannot be used: {error}"
    assert not running.done()
    running.cancel()
