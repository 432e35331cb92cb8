"""Clients and providers that misbehave at random: afterwards nothing is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Any

from airouter.upstream.pool import Pool
from support.config import manifest
from support.in_loop import Served, served

SEED, REQUESTS, CLIENTS = 20261123, 400, 20

JSON = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"ok":true}'
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
ANSWERS = (
    JSON,
    JSON.replace(b"content-length: 11", b"content-length: 99"),
    JSON.replace(b"200 OK", b"503 X"),
    b"HTTP/1.1 429 X\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}",
    STREAM + b"8\r\ndata: 1\n\r\n",
    STREAM + b"9\r\ndata: 1\n\n\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n" + JSON,
    b"",
    b"nonsense",
)


class Misbehaving:
    """A provider that answers anything, at any time, and hangs up when it likes."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):  # uvloop: gone while we slept
            while await reader.read(65_536):
                answer = self._rng.choice(ANSWERS)
                place = self._rng.randrange(len(answer) + 1)
                writer.write(answer[:place])
                await asyncio.sleep(self._rng.random() * 0.01)
                writer.write(answer[place:])
                if self._rng.random() < 0.2:
                    writer.transport.abort()
        writer.close()


async def misbehave(router: Served, rng: random.Random, count: int) -> None:
    """Ask, and leave before, within or after the answer."""
    for _ in range(count):
        stream = rng.choice((b"true", b"false"))
        body = b'{"model":"m","stream":%b,"messages":[]%b}' % (
            stream,
            b" " * rng.choice((0, 2 << 20)),
        )
        _, writer = await asyncio.open_connection("127.0.0.1", router.port)
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-api-key: sk-test-master\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(body), body[: rng.choice((None, 5))])
        )
        await asyncio.sleep(rng.random() * 0.03)
        writer.transport.abort()


async def test_nothing_is_left_in_flight_after_chaos() -> None:
    provider = Misbehaving(random.Random(SEED))
    server = await asyncio.start_server(provider.take, "127.0.0.1", 0)
    credential: dict[str, Any] = {
        "name": "c",
        "type": "OpenAICompatible",
        "baseURL": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1",
        "timeouts": {"connect": "200ms", "firstByte": "100ms", "idle": "100ms", "total": "500ms"},
    }
    models = [{"name": "m", "backends": [{"credential": "c"}]}]
    text = manifest([credential], models)
    async with served(text, max_upstream_connections=8) as router:
        clients = (
            misbehave(router, random.Random(SEED + n), REQUESTS // CLIENTS) for n in range(CLIENTS)
        )
        await asyncio.gather(*clients)
        assert router.router.pipeline.serving is not None
        (pool,) = router.router.pipeline.serving.pools
        assert isinstance(pool, Pool)
        async with asyncio.timeout(120):  # 200 MiB of bodies, whatever the machine
            while router.router.in_flight()["c"] or pool.in_flight or router.router.connections():
                await asyncio.sleep(0.01)
        assert (pool._opening, list(pool._waiters)) == (0, [])
    server.close()
