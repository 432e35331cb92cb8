"""What all tests share: the event loop of the router, and no deadline for an example."""

from __future__ import annotations

import faulthandler
import gc
from collections.abc import Generator, Mapping
from typing import Any

import google.auth.transport.requests  # noqa: F401  # a router loads it in a thread, whose warnings are nobody's
import pytest
import uvloop
from hypothesis import HealthCheck, settings

STDERR = 2  # the file, which pytest captures under its Python name

# Until tests run, nothing becomes garbage: what is loaded lives as long as its process.
gc.disable()

# The speed of an example says something of the machine, and nothing of the code.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, Any]:
    """uvloop, as in `app.py`."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Spare collections of garbage the tests themselves, which live as long as their process."""
    found = yield
    gc.collect()
    gc.freeze()
    gc.enable()
    return found


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node: pytest.Item | pytest.Collector) -> None:
    """Bound what is left of a test that failed: pytest's own bound ends here, for debuggers."""
    seconds = float(node.config.getini("faulthandler_timeout"))
    faulthandler.dump_traceback_later(seconds, exit=True, file=STDERR)
