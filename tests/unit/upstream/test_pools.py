"""Pools that snapshots share."""

from __future__ import annotations

from airouter.config.snapshot import Credential
from unit.upstream.tls import pools


async def test_pools_are_shared_by_address_and_dropped_when_unused() -> None:
    shared = pools()
    one, other = (Credential(name=name, type="OpenAI") for name in ("one", "other"))
    first = shared.pool_for(one, "http://a.test/v1")
    assert shared.pool_for(one, "http://a.test/v1") is first
    assert shared.pool_for(other, "http://a.test/v1") is not first
    assert shared.pool_for(one, "http://b.test/v1") is not first
    shared.keep_only([])
    assert shared.pool_for(one, "http://a.test/v1") is not first
