"""Bans over three replicas and an operator, on a real API server."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest

from support.ban_watch import CREDENTIAL, NAMED, admin, chat, spec_of, until_all
from support.config import MASTER_KEY
from support.control_plane import ControlPlane
from support.keyed_provider import KeyedProvider, keyed_provider
from support.resources import Object, secret
from support.router import RouterProcess

COME_BACK = "20"
"""Seconds in which routers find another operator, however slow the machine is; until then it holds
what the one before it knew."""
OLD_KEY, NEW_KEY = "sk-provider-old-key", "sk-provider-new-key"


@pytest.fixture
async def provider() -> AsyncIterator[KeyedProvider]:
    async with keyed_provider(OLD_KEY) as provider:
        yield provider


@pytest.fixture(autouse=True)
async def declared(
    plane: ControlPlane, provider: KeyedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in NAMED.items():
        monkeypatch.setenv(name, value)
    auth = {"masterKey": {"secretRef": {"name": "keys", "key": "master"}}}
    config: Object = {
        "apiVersion": "airouter.dev/v1alpha1",
        "kind": "RouterConfig",
        "metadata": {"name": "default"},
        "spec": {**spec_of(provider.base_url), "auth": auth},
    }
    await plane.apply(config, secret("keys", master=MASTER_KEY), secret("providers", key=OLD_KEY))


@pytest.fixture
async def replicas(plane: ControlPlane) -> AsyncIterator[list[RouterProcess]]:
    async with plane.operator(), contextlib.AsyncExitStack() as stack:
        routers = [
            await stack.enter_async_context(plane.router(f"pod-{number}")) for number in range(3)
        ]
        await plane.until(lambda status: status["pods"] == "3/3")
        yield routers


async def until_state(plane: ControlPlane, state: str) -> Object:
    """Wait until the status has that state of the credential, and return it."""
    status = await plane.until(
        lambda s: [c["state"] for c in s["credentialStatus"] if c["name"] == CREDENTIAL] == [state]
    )
    found: Object = next(c for c in status["credentialStatus"] if c["name"] == CREDENTIAL)
    return found


async def test_all_replicas_leave_alone_what_one_has_seen_refuse_its_key_until_there_is_a_new_one(
    plane: ControlPlane, provider: KeyedProvider, replicas: list[RouterProcess]
) -> None:
    assert {await chat(router) for router in replicas} == {CREDENTIAL}
    provider.key = NEW_KEY
    assert await chat(replicas[0]) == "mock"
    await until_all(replicas, bool)
    asked = provider.asked
    assert {await chat(router) for router in replicas} == {"mock"}
    assert provider.asked == asked

    banned = await until_state(plane, "ModelsBanned")
    assert banned["reason"] == "refused_key"
    assert banned["until"].endswith("Z")
    healthy = await plane.until_condition("CredentialsHealthy", "False", "CredentialsBanned")
    assert f"{CREDENTIAL} (refused_key)" in healthy["message"]
    await plane.until_told("Warning", "CredentialBanned")
    shown = await plane.kubectl("get", "rcfg", "default", "-o", "yaml")
    assert "state: ModelsBanned" in shown

    await plane.apply(secret("providers", key=NEW_KEY))
    await until_all(replicas, lambda known: not known)
    assert {await chat(router) for router in replicas} == {CREDENTIAL}
    await until_state(plane, "Healthy")
    await plane.until_condition("CredentialsHealthy", "True", "NoneBanned")
    await plane.until_told("Normal", "CredentialRecovered")


async def test_bans_by_hand_hold_at_every_replica_over_another_operator_until_one_lifts_them(
    plane: ControlPlane, provider: KeyedProvider
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with plane.operator() as killed:
            replicas = [
                await stack.enter_async_context(plane.router(f"pod-{number}"))
                for number in range(3)
            ]
            await plane.until(lambda status: status["pods"] == "3/3")
            await admin(replicas[0], "POST")
            await until_all(replicas, bool)
            await until_state(plane, "Banned")
            await plane.until_told("Warning", "CredentialBanned")
            await killed.kill()
        async with plane.operator(POD_RETURN=COME_BACK):
            await plane.until(lambda status: status["pods"] == "3/3")
            await admin(replicas[2], "DELETE")
            await until_all(replicas, lambda known: not known)
            await until_state(plane, "Healthy")
            await plane.until_told("Normal", "CredentialRecovered")
            reasons = [event["reason"] for event in await plane.events()]
            assert reasons.count("CredentialBanned") == reasons.count("CredentialRecovered") == 1
