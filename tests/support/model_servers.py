"""Model servers in the pods of a Service: one for each address of the loopback network."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from support.chat_provider import DONE, EVENT_STREAM, HI, USAGE
from support.ports import free_port

NAME, PORT_NAME, PORT = "vllm", "http", 80


class ModelServer:
    """A pod that begins every stream at once, and ends it when it is told to."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.asked = 0
        self.hosts: set[str] = set()
        self.may_end = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        self.hosts.add(request.host)
        response = web.StreamResponse(headers={"content-type": EVENT_STREAM})
        await response.prepare(request)
        await response.write(HI)
        await self.may_end.wait()
        await response.write(USAGE + DONE)
        return response


class ModelServers:
    """The servers of a Service, and its objects as Kubernetes' controllers make them."""

    def __init__(self, servers: list[ModelServer], port: int) -> None:
        self.servers = servers
        self.port = port

    def end_streams(self) -> None:
        for server in self.servers:
            server.may_end.set()

    def service(self) -> dict[str, Any]:
        ports = [{"name": PORT_NAME, "port": PORT, "targetPort": self.port}]
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": NAME},
            "spec": {"ports": ports},
        }

    def endpoint_slice(self, ready: int) -> dict[str, Any]:
        """The slice while the first so many servers are ready, and no other is."""
        # As names, because an API server takes no loopback address of IPv4.
        return {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": f"{NAME}-1", "labels": {"kubernetes.io/service-name": NAME}},
            "addressType": "FQDN",
            "ports": [{"name": PORT_NAME, "port": self.port, "protocol": "TCP"}],
            "endpoints": [
                {"addresses": [server.address], "conditions": {"ready": number < ready}}
                for number, server in enumerate(self.servers)
            ],
        }


@contextlib.asynccontextmanager
async def model_servers(count: int) -> AsyncIterator[ModelServers]:
    """So many servers that listen, at addresses of their own and one port."""
    port = free_port()
    servers = [ModelServer(f"127.0.0.{number}") for number in range(2, 2 + count)]
    async with contextlib.AsyncExitStack() as stack:
        for server in servers:
            application = web.Application()
            application.router.add_post("/v1/chat/completions", server.answer)
            runner = web.AppRunner(application, shutdown_timeout=0.1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, server.address, port).start()
        yield ModelServers(servers, port)
