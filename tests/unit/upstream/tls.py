"""Pools that ask by TLS and through proxies, and the certificates and proxies for that."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Any

import trustme

from airouter.config.snapshot import TLS, Credential
from airouter.eventloop.outbox import Outbox
from airouter.upstream.pools import Pooled, Pools
from support.raw_upstream import OK, RawUpstream

AUTHORITY = trustme.CA()
CA_PEM = AUTHORITY.cert_pem.bytes().decode()
HEAD, BODY = b"a: b\r\n", b"{}"


def server_context(name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert(name).configure_cert(context)
    return context


def pools(**proxies: str) -> Pools:
    outbox = Outbox(asyncio.get_running_loop())
    return Pools(outbox, max_connections=4, body_limit=1 << 20, proxies=proxies)


def pool(url: str, tls: TLS | None = None, **proxies: str) -> Pooled:
    credential = Credential(name="c", type="OpenAICompatible", tls=tls or TLS())
    return pools(**proxies).pool_for(credential, url)


async def ask(subject: Pooled, upstream: RawUpstream) -> tuple[bytes, bytes]:
    """The request as the other side saw it, and the answer's body."""
    asking = asyncio.create_task(subject.send(b"/v1/x", HEAD, BODY))
    conversation = await upstream.accept()
    request = await conversation.request()
    await conversation.say(OK)
    body = await (await asking).read()
    subject.close()
    return request, body


@contextlib.asynccontextmanager
async def tunnel_proxy(status: int = 200) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A proxy that opens tunnels, or answers CONNECT with another status."""
    heads: list[bytes] = []
    tasks: set[asyncio.Task[Any]] = set()

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65_536):
                sink.write(data)
        sink.close()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heads.append(head)
        writer.write(b"HTTP/1.1 %d X\r\nvia: test\r\n\r\n" % status)
        if status != 200:
            writer.close()
            return
        host, _, port = head.split()[1].decode().rpartition(":")
        there_reader, there_writer = await asyncio.open_connection(host, int(port))
        for pair in ((reader, there_writer), (there_reader, writer)):
            tasks.add(asyncio.create_task(pump(*pair)))

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heads
    finally:
        server.close()
        await asyncio.gather(*tasks)
