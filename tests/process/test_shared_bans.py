"""Bans over router processes that share a Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.ban_watch import CREDENTIAL, NAMED, admin, bans, chat, spec_of, until_all
from support.config import manifest
from support.keyed_provider import KeyedProvider, keyed_provider
from support.redis_server import PASSWORD, RedisServer
from support.router import RouterProcess, router_process, router_processes

KEY = "sk-provider-key"


@pytest.fixture
async def provider() -> AsyncIterator[KeyedProvider]:
    async with keyed_provider(KEY) as provider:
        yield provider


def a_manifest(provider: KeyedProvider, server: RedisServer) -> str:
    """The credential is that of `ban_watch.py`."""
    spec = spec_of(provider.base_url)
    spec["credentials"][0]["secretRef"]["name"] = "keys"
    redis = {"urlSecretRef": {"name": "keys", "key": "url"}}
    return manifest(secrets={"key": KEY, "url": server.url}, redis=redis, **spec)


@pytest.fixture
async def routers(
    tmp_path: Path, server: RedisServer, provider: KeyedProvider
) -> AsyncIterator[list[RouterProcess]]:
    """Three replicas."""
    text = a_manifest(provider, server)
    async with router_processes(tmp_path, text, *[NAMED] * 3) as running:
        yield running


async def test_what_one_replica_has_seen_fail_all_leave_alone(
    routers: list[RouterProcess], provider: KeyedProvider
) -> None:
    provider.status = 503
    assert await chat(routers[0]) == "mock"
    await until_all(routers, bool)
    asked = provider.asked
    assert {await chat(router) for router in routers} == {"mock"}
    assert provider.asked == asked


async def test_bans_are_lifted_at_any_replica(
    routers: list[RouterProcess], provider: KeyedProvider
) -> None:
    provider.status = 503
    await chat(routers[0])
    await admin(routers[0], "POST")
    await until_all(routers, lambda known: len(known) == 2)
    await admin(routers[2], "DELETE")
    await until_all(routers, lambda known: not known)
    provider.status = 200
    assert {await chat(router) for router in routers[1:]} == {CREDENTIAL}
    async with asyncio.timeout(60):
        while await chat(routers[0]) != CREDENTIAL:
            await asyncio.sleep(0.05)  # where it failed, it rests for a moment, banned or not


async def test_bans_outlive_a_redis_that_forgets_and_the_replica_that_began_them(
    routers: list[RouterProcess], server: RedisServer, tmp_path: Path
) -> None:
    await admin(routers[0], "POST")
    await until_all(routers, bool)
    server.stop()
    await routers[1].until_logged("bans are not shared by Redis")
    server.start()
    await routers[1].until_logged("bans are shared by Redis again")
    routers[0].process.kill()
    async with router_process(tmp_path, "-f", str(tmp_path / "router.yaml"), **NAMED) as late:
        await until_all([late, *routers[1:]], bool)
        assert PASSWORD not in late.log + routers[1].log


async def test_each_replica_tries_again_once_and_the_first_answer_ends_the_ban_of_all(
    routers: list[RouterProcess], provider: KeyedProvider, tmp_path: Path
) -> None:
    text = (tmp_path / "router.yaml").read_text().replace('"10m"', '"1s"')
    versions = [(await router.health())["config"]["version"] for router in routers]
    (tmp_path / "router.yaml").write_text(text)
    for router, version in zip(routers, versions, strict=True):
        await router.until_live(version)
    provider.status = 503
    await chat(routers[0])
    await until_all(routers, lambda known: any(ban["half_open"] for ban in known))
    provider.status = 200
    assert await chat(routers[2]) == CREDENTIAL
    await until_all(routers, lambda known: not known)
    assert await bans(routers[0]) == []
