"""A provider that is down, and a client that asks for it with large requests all the same."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from support.chat_provider import UPSTREAM_KEY, http
from support.config import MASTER_KEY, manifest
from support.router import RouterProcess, router_process

BODY = b'{"model":"m","messages":[{"role":"user","content":"%b"}]}' % (b"x" * 1_000_000)
DOWN = http(503, {"error": {"message": "down"}}, "connection: close")
RETRIES = {"retries": {"attempts": 1, "backoff": {"initial": "1ms", "max": "1ms"}}}


async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take a whole request, and answer that the provider is down."""
    await reader.readexactly(await length_of(reader))
    writer.write(DOWN)
    writer.close()


async def ask(router: RouterProcess, times: int) -> None:
    """Ask over one connection, and find the provider down each time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", router.port)
    for _ in range(times):
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-api-key: %b\r\n"
            b"content-length: %d\r\n\r\n%b" % (MASTER_KEY.encode(), len(BODY), BODY)
        )
        status = await reader.readuntil(b"\r\n")
        assert status.startswith(b"HTTP/1.1 503 ")
        await reader.readexactly(await length_of(reader))
    writer.close()


async def length_of(reader: asyncio.StreamReader) -> int:
    """Read the rest of a header, and return the length of the body after it."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    return int(head.partition(b"content-length:")[2].partition(b"\r")[0])


@contextlib.asynccontextmanager
async def router_without_provider(folder: Path) -> AsyncIterator[RouterProcess]:
    """A router in front of a provider that is down."""
    provider = await asyncio.start_server(refuse, "127.0.0.1", 0)
    credential = {
        "name": "c",
        "type": "OpenAICompatible",
        "baseURL": f"http://127.0.0.1:{provider.sockets[0].getsockname()[1]}/v1",
        "secretRef": {"name": "keys", "key": "upstream"},
    }
    models = [{"name": "m", "backends": [{"credential": "c"}]}]
    config = folder / "router.yaml"
    config.write_text(
        manifest([credential], models, secrets={"upstream": UPSTREAM_KEY}, resilience=RETRIES)
    )
    try:
        async with router_process(folder, "-f", str(config)) as router:
            yield router
    finally:
        provider.close()
