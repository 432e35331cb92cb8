"""The URL of the Redis that replicas share, read as redis-py reads it (`state/redis.py`).

A URL that redis-py refuses would pass `airouter check`, be published, and keep every new pod from
starting. `config` stands below all that speaks to a network, so the rules are repeated here; a test
holds both equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SCHEMES = frozenset({"redis", "rediss", "unix"})
NUMBERS: Mapping[str, Callable[[str], float]] = {
    "db": int,
    "health_check_interval": int,
    "max_connections": int,
    "protocol": int,
    "socket_connect_timeout": float,
    "socket_read_size": int,
    "socket_timeout": float,
    "ssl_min_version": int,
    "timeout": float,
}
"""Options of the query that redis-py converts; a text is taken as it is."""


def check_redis_url(url: str) -> None:
    """Raise `ValueError`, which repeats nothing of the URL but an option's known name."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # parsed only when it is read
    except ValueError:
        raise ValueError("is not a Redis URL") from None
    if parts.scheme not in SCHEMES:
        raise ValueError("is not a Redis URL")
    for name, value in parse_qsl(parts.query):
        if name in NUMBERS:
            check_option(name, value)


def check_option(name: str, value: str) -> None:
    """Raise `ValueError` for an option that is not a number of its kind."""
    try:
        NUMBERS[name](value)
    except ValueError:
        raise ValueError(f"has an option {name!r} that is not a number") from None
