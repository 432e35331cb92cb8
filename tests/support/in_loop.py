"""A whole router in the test's own event loop, for tests that play the provider by hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from airouter.app import Router
from airouter.config.findings import Compiled
from airouter.config.manifest import ManifestFile, compile_manifest
from airouter.config.providers import PROVIDER_TYPES, ProviderTypes
from airouter.settings import Settings
from support.config import MASTER_KEY
from support.http_client import http_client


class Served:
    """A running router and a client with its master key."""

    def __init__(self, router: Router, port: int, client: httpx.AsyncClient) -> None:
        self.router = router
        self.port = port
        self.client = client

    def offer(self, manifest: str) -> bool:
        """Reload."""
        return self.router.store.offer(compiled(manifest), "test")

    async def chat(self, model: str = "m", **fields: object) -> httpx.Response:
        """A chat that says hello."""
        body = {"model": model, "messages": [{"role": "user", "content": "Hello!"}], **fields}
        return await self.client.post("/v1/chat/completions", json=body)


def compiled(manifest: str, types: ProviderTypes = PROVIDER_TYPES) -> Compiled:
    """Compile a manifest."""
    return compile_manifest([ManifestFile("test", manifest.encode())], {}, types=types)


@contextlib.asynccontextmanager
async def served(
    manifest: str | None, types: ProviderTypes = PROVIDER_TYPES, /, **settings: object
) -> AsyncIterator[Served]:
    """Serve a manifest, or nothing yet, with a file of its own for what is spent of budgets."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        defaults: dict[str, object] = {
            "port": 0,
            "access_log": False,
            "drain_grace": 0.0,
            "drain_deadline": 1.0,
            "ledger_file": Path(folder, "ledger.sqlite"),
        }
        router = Router(Settings(**(defaults | settings)), types)  # type: ignore[arg-type]
        if manifest is not None:
            router.store.offer(compiled(manifest, types), "test")
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(router.serve(ready.set_result))
        port = await ready
        headers = {"authorization": f"Bearer {MASTER_KEY}"}
        try:
            async with http_client(
                base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False
            ) as client:
                yield Served(router, port, client)
        finally:
            assert router.server is not None
            router.server.end()
            await serving
