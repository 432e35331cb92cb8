"""Ports that the operator serves pages on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from airouter.listening import EVERYWHERE, listener_everywhere

if TYPE_CHECKING:
    import ssl

BACKLOG = 1024


async def start_site(
    runner: web.AppRunner, host: str, port: int, tls: ssl.SSLContext | None = None
) -> int:
    """Serve an application at an address, and return the port. Raises `OSError`."""
    await runner.setup()
    site = (
        web.SockSite(runner, listener_everywhere(port), ssl_context=tls, backlog=BACKLOG)
        if host == EVERYWHERE
        else web.TCPSite(runner, host, port, ssl_context=tls, backlog=BACKLOG)
    )
    await site.start()
    return int(runner.addresses[0][1])
