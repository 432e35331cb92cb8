"""URLs and headers for upstreams: nothing that could split a line or carry a key."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from airouter.config.resource.fields import matching, mistake

VISIBLE = re.compile(r"[\x21-\x7e]+")
URL = re.compile(
    r"[Hh][Tt][Tt][Pp][Ss]?://([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[!-\"$->@-~]*)?"
)
OWN_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "api-key",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "te",
        "traceparent",
        "tracestate",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-api-key",
        "x-goog-api-key",
        "x-request-id",
    }
)
"""Headers that the router writes itself."""


def check_url(url: str) -> str:
    """Validate a base URL: http or https, a host, perhaps a port and a path, nothing else."""
    fix = "use a URL such as https://api.example.com/v1"
    if not VISIBLE.fullmatch(url):
        raise mistake("has a space or another character that is not allowed in a URL", fix)
    try:
        parts = urlsplit(url)
        complete = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise mistake("is not a URL", fix) from None
    if parts.scheme not in {"http", "https"} or not complete:
        raise mistake("is not a URL of http or https", fix)
    if "@" in parts.netloc:
        raise mistake("has a user or a password in it", f"{fix}; the key belongs in a Secret")
    if "?" in url or "#" in url:
        raise mistake("has a query or a fragment", fix)
    if not URL.fullmatch(url):
        raise mistake("has an invalid host or port", fix)
    return url


def check_header(name: str) -> str:
    """Validate the name of a header that the router does not write; returns lower case."""
    lowered = name.lower()
    if lowered in OWN_HEADERS:
        raise mistake("is a header that the router writes itself", "use another header")
    return lowered


def check_header_value(value: str) -> str:
    """Validate a value that a header line can carry."""
    if not value.isprintable() or value != value.strip() or not latin(value):
        raise mistake(
            "cannot be sent in a header", "use printable Latin-1 text, no space at the ends"
        )
    return value


def latin(text: str) -> bool:
    """Return True if every character has a byte in Latin-1."""
    return all(ord(character) < 256 for character in text)


BaseURL = Annotated[str, Field(max_length=2048), AfterValidator(check_url)]
ServicePath = Annotated[
    str,
    Field(max_length=253),
    matching(
        r"/[!-\"$->@-~]*",
        "is not a path",
        "use a path such as /v1, without a space, a query or a fragment",
    ),
]
HeaderName = Annotated[
    str,
    matching(
        r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}",
        "is not a header name",
        "use 1 to 64 letters, digits and hyphens",
    ),
    AfterValidator(check_header),
]
HeaderValue = Annotated[str, Field(max_length=1024), AfterValidator(check_header_value)]
