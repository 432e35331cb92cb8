"""An edge that listens, with a pipeline that the test plays behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from support.edge_server import EdgeServer, edge_server
from unit.edge.script import Script


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def server(script: Script) -> AsyncIterator[EdgeServer]:
    async with edge_server(script.serve) as server:
        yield server
