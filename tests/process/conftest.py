"""What tests of routers that share something have in common: a Redis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.redis_server import RedisServer, redis_server


@pytest.fixture
def server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A Redis without a file; with one for a test whose parameter `server` is True."""
    with redis_server(tmp_path, keeps=getattr(request, "param", False)) as running:
        yield running
