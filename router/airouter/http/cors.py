"""Cross-origin requests of browsers (Fetch, 3.3): what a page of another site may ask and read.

Off unless `spec.http.cors` names origins. A preflight has no key, so it is answered without one;
the request that follows needs one like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.config.snapshot import Cors
    from airouter.interfaces import Headers

ORIGIN = b"origin"
METHOD = b"access-control-request-method"
ASKED = b"access-control-request-headers"
METHODS = (b"access-control-allow-methods", b"GET, POST, DELETE")
VARY = (b"vary", b"Origin")
READABLE = (b"access-control-expose-headers", b"*")
"""A page may read every header of an answer: none of them has a secret."""


def allowance(cors: Cors | None, origin: bytes) -> Headers:
    """Return the headers by which a page of an origin may read an answer; none if it may not."""
    if cors is None:
        return []
    if "*" in cors.origins:
        return [(b"access-control-allow-origin", b"*"), READABLE]
    if origin.decode("latin-1").lower() in cors.origins:
        return [(b"access-control-allow-origin", origin), READABLE, VARY]
    return [VARY]


def preflight_answer(
    cors: Cors | None, method: str, headers: Mapping[bytes, bytes]
) -> Headers | None:
    """Return the headers of the answer to a preflight; None for what is none, or not allowed."""
    if cors is None or method != "OPTIONS" or METHOD not in headers or ORIGIN not in headers:
        return None
    allowed = allowance(cors, headers[ORIGIN])
    if allowed == [VARY]:
        return None
    names = ", ".join(cors.headers).encode() or headers.get(ASKED, b"")
    return [
        *allowed,
        METHODS,
        (b"access-control-allow-headers", names),
        (b"access-control-max-age", b"%d" % cors.max_age),
        (b"content-length", b"0"),
    ]
