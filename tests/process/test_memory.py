"""Requests that fail for long: what they sent is gone when they are answered."""

from __future__ import annotations

import asyncio
from pathlib import Path

from support.chat_provider import UPSTREAM_KEY, http
from support.config import MASTER_KEY, manifest
from support.router import RouterProcess, router_process

REQUESTS, CLIENTS = 200, 4
GROWTH = 48 * 1_048_576
"""A quarter of what the requests send."""
BODY = b'{"model":"m","messages":[{"role":"user","content":"%b"}]}' % (b"x" * 1_000_000)
DOWN = http(503, {"error": {"message": "down"}}, "connection: close")


async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take a whole request, and answer that the provider is down."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = head.lower().partition(b"content-length:")[2].partition(b"\r")[0]
    await reader.readexactly(int(length))
    writer.write(DOWN)
    writer.close()


async def ask(router: RouterProcess, times: int) -> None:
    """Ask over one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", router.port, limit=1 << 20)
    for _ in range(times):
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-api-key: %b\r\n"
            b"content-length: %d\r\n\r\n%b" % (MASTER_KEY.encode(), len(BODY), BODY)
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r")[0]
        await reader.readexactly(int(length))
    writer.close()


async def test_memory_is_flat_while_a_provider_is_down(tmp_path: Path) -> None:
    provider = await asyncio.start_server(refuse, "127.0.0.1", 0, limit=1 << 20)
    credential = {
        "name": "c",
        "type": "OpenAICompatible",
        "baseURL": f"http://127.0.0.1:{provider.sockets[0].getsockname()[1]}/v1",
        "secretRef": {"name": "keys", "key": "upstream"},
    }
    models = [{"name": "m", "backends": [{"credential": "c"}]}]
    retries = {"retries": {"attempts": 1, "backoff": {"initial": "1ms", "max": "1ms"}}}
    config = tmp_path / "router.yaml"
    config.write_text(
        manifest([credential], models, secrets={"upstream": UPSTREAM_KEY}, resilience=retries)
    )
    async with router_process(tmp_path, "-f", str(config)) as router:
        async with asyncio.timeout(20):
            await ask(router, 20)
        before = router.memory()
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(ask(router, REQUESTS // CLIENTS))
        assert router.memory() - before < GROWTH
    provider.close()
