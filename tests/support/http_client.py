"""A client of HTTP that waits as long as a test does.

httpx gives up after five seconds, which a loaded machine needs for the first load of a library:
that would be a test of the machine.
"""

from __future__ import annotations

import ssl
from functools import cache
from typing import Any

import httpx

PATIENCE = 120.0
"""Seconds; a request that hangs still ends its test."""


def http_client(**options: Any) -> httpx.AsyncClient:
    """An `httpx.AsyncClient` with these options."""
    return httpx.AsyncClient(**{"timeout": PATIENCE, "verify": trusted(), **options})


@cache
def trusted() -> ssl.SSLContext:
    """The authorities of httpx, read once: their file takes longer than most tests."""
    return httpx.create_ssl_context()
