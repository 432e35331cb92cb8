"""What all tests share: asynchronous ones run on the event loop that the router runs on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import uvloop

if TYPE_CHECKING:
    import pytest


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, Any]:
    """uvloop, as in `app.py`."""
    return {"uvloop": uvloop.new_event_loop}
