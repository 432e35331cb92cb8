"""Reads what HTTP tells of a request and its client, for the attributes of a SERVER span."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

if TYPE_CHECKING:
    from airouter.interfaces import Exchange

LONGEST_TEXT = 256
"""Characters of a header that go into a span."""
PORTS = {"http": 80, "https": 443}


class HttpDetails(msgspec.Struct, frozen=True):
    """A request's way here; None where it is not known."""

    scheme: str = "http"
    server: str | None = None
    """The host that the client asked."""
    port: int | None = None
    client: str | None = None
    """The client's address, as the first proxy on the way tells it, if one does."""
    peer: str | None = None
    peer_port: int | None = None
    """Where the connection comes from: the client, or the last proxy."""
    user_agent: str | None = None


def http_details(exchange: Exchange) -> HttpDetails:
    """Return what is known of a request's way here."""
    headers = exchange.headers
    scheme = scheme_of(headers.get(b"x-forwarded-proto"))
    server, port = host_of(headers.get(b"host"), scheme)
    peer, peer_port = exchange.peer or (None, None)
    return HttpDetails(
        scheme,
        server,
        port,
        first_listed(headers.get(b"x-forwarded-for")) or peer,
        peer,
        peer_port,
        header_text(headers.get(b"user-agent")),
    )


def scheme_of(forwarded: bytes | None) -> str:
    """Return the scheme that a client asked by, given what a proxy says of it."""
    proto = first_listed(forwarded)
    return proto if proto in PORTS else "http"


def host_of(header: bytes | None, scheme: str) -> tuple[str | None, int | None]:
    """Return the host and the port of a `Host` header."""
    given = header_text(header)
    if given is None:
        return None, None
    try:
        url = urlsplit(f"//{given}")
        return url.hostname, url.port or PORTS[scheme]
    except ValueError:
        return None, None


def first_listed(header: bytes | None) -> str | None:
    """Return the first of a header's values that commas part."""
    given = header_text(header)
    return None if given is None else given.partition(",")[0].strip()


def header_text(header: bytes | None) -> str | None:
    """Return a header as a span may have it; None for an empty one."""
    return header[:LONGEST_TEXT].decode("latin-1") if header else None
