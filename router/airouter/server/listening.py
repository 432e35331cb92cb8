"""The address that a server listens on: `::` is every address of both families.

In a cluster, pods may have addresses of IPv4, of IPv6, or of both, and one setting is to serve all
three. uvicorn and asyncio take `::` for IPv6 alone.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys

logger = logging.getLogger("airouter.server")

EVERYWHERE = "::"
STARTUP_FAILURE = 3
"""The exit code of uvicorn, which the operator, who listens too, has not in its image."""
BACKLOG = 4096
REMEDY = "end the process that listens there, or choose another with --port"


def listeners(host: str, port: int) -> list[socket.socket] | None:
    """Return the sockets for every address; None for one address, where uvicorn opens them.

    Ends the process as uvicorn does where the port is taken.
    """
    if host != EVERYWHERE:
        return None
    try:
        return [listener_everywhere(port)]
    except OSError as error:
        logger.error("port %d: %s (fix: %s)", port, system_reason(error), REMEDY)  # noqa: TRY400
        sys.exit(STARTUP_FAILURE)


def system_reason(error: OSError) -> str:
    """Return the reason of the system, without what the library adds."""
    return os.strerror(error.errno) if error.errno else str(error)


def listener_everywhere(port: int) -> socket.socket:
    """Return a socket that listens on a port of every address; of IPv4 alone without IPv6.

    Raises `OSError`. Clients by IPv4 have addresses like `::ffff:10.0.0.1` on it (RFC 4291,
    section 2.5.5.2).
    """
    if socket.has_dualstack_ipv6():
        # The kernel may know IPv6, and have it disabled by a setting.
        with contextlib.suppress(OSError):
            return socket.create_server(
                (EVERYWHERE, port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG
            )
    return socket.create_server(("", port), backlog=BACKLOG)
