"""What all tests share: the event loop of the router, and no deadline for an example."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import uvloop
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    import pytest

# The speed of an example says something of the machine, and nothing of the code.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, Any]:
    """uvloop, as in `app.py`."""
    return {"uvloop": uvloop.new_event_loop}
