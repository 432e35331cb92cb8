"""What tests of whole requests share: two providers, and a router that prefers the first."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from support.chat_provider import config
from support.in_loop import Served, served
from support.raw_upstream import RawUpstream, raw_upstream


@pytest.fixture
async def first() -> AsyncIterator[RawUpstream]:
    async with raw_upstream() as upstream:
        yield upstream


@pytest.fixture
async def second() -> AsyncIterator[RawUpstream]:
    async with raw_upstream() as upstream:
        yield upstream


@pytest.fixture
async def router(first: RawUpstream, second: RawUpstream) -> AsyncIterator[Served]:
    async with served(config(first, second)) as router:
        yield router
