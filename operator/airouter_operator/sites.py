"""Ports that the operator serves pages on."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import kopf
from aiohttp import web

from airouter.server.listening import EVERYWHERE, listener_everywhere

if TYPE_CHECKING:
    import ssl

BACKLOG = 1024
REMEDIES = {
    errno.EADDRINUSE: "end the process that listens there, or choose another port",
    errno.EACCES: "choose a port from 1024 on",
}


class CannotListen(kopf.PermanentError):
    """A port that cannot be served on: kopf does not start then, and does not try again."""

    def __init__(self, port: int, error: OSError) -> None:
        fix = REMEDIES.get(error.errno or 0, "choose an address of this machine")
        super().__init__(f"port {port}: {error.strerror} (fix: {fix})")


async def start_site(
    runner: web.AppRunner, host: str, port: int, tls: ssl.SSLContext | None = None
) -> int:
    """Serve an application at an address, and return the port. Raises `CannotListen`."""
    await runner.setup()
    try:
        site = (
            web.SockSite(runner, listener_everywhere(port), ssl_context=tls, backlog=BACKLOG)
            if host == EVERYWHERE
            else web.TCPSite(runner, host, port, ssl_context=tls, backlog=BACKLOG)
        )
        await site.start()
    except OSError as error:
        raise CannotListen(port, error) from None
    return int(runner.addresses[0][1])
