"""Every step of a RouterConfig's life, as the router processes and the status follow it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from random import Random
from typing import Any

from airouter.config.delivery import SNAPSHOT_FILE, STREAM_FILE
from airouter_operator.kube.errors import NotFound
from support.config import MOCK
from support.control_plane import PATIENCE, ControlPlane, condition
from support.resources import MASTER_KEY, routerconfig, secret
from support.router import RouterProcess
from support.router_models import models, patch_models, until_models

UPSTREAM = {
    "name": "paid",
    "type": "OpenAICompatible",
    "baseURL": "http://127.0.0.1:9/v1",
    "secretRef": {"name": "providers", "key": "paid"},
}
KEYS = range(125)


async def test_routers_and_status_follow_each_step(plane: ControlPlane) -> None:
    await plane.apply(
        routerconfig(MOCK, UPSTREAM, models={"free": "mock", "best": "paid"}),
        secret("keys", master=MASTER_KEY),
        secret("providers", paid="sk-paid"),
    )
    async with plane.operator() as operator:
        pending = await plane.until_condition("Programmed", "Unknown", "NoPods")
        assert "no pod is connected" in pending["message"]
        async with plane.router("pod-0") as one, plane.router("pod-1") as two:
            routers = (one, two)
            await plane.until(lambda s: s["pods"] == "2/2")
            status = await plane.status()
            assert (status["models"], status["credentials"]) == (2, "2/2")
            assert condition(status, "Ready") is not None
            for router in routers:
                assert await models(router) == ["free", "best"]

            await plane.patch(patch_models("free", "new"))
            await plane.until_condition("Programmed", "True")
            for router in routers:
                await until_models(router, ["free", "new"])

            await plane.apply(secret("keys", master="sk-rotated"))
            for router in routers:
                await until_models(router, 401)
                assert await models(router, "sk-rotated") == ["free", "new"]

            await plane.kubectl("delete", "secret", "providers")
            broken = await plane.until_condition("ResolvedRefs", "False", "SecretNotFound")
            assert broken["message"] == (
                "spec.credentials[name=paid].secretRef: there is no usable Secret 'providers'"
            )
            status = await plane.until(lambda s: s["credentials"] == "1/2")
            assert status["credentialStatus"] == [
                {"name": "mock", "resolved": True, "state": "Healthy", "reason": "Resolved"},
                {"name": "paid", "resolved": False, "reason": "SecretNotFound"},
            ]
            partial = condition(status, "PartiallyInvalid") or {}
            assert partial["message"].startswith("Dropped credential(s): paid.")
            for router in routers:
                await until_models(router, ["free", "new"], "sk-rotated")

            await plane.apply(secret("providers", wrong="sk-paid"))
            missing = await plane.until_condition("ResolvedRefs", "False", "SecretKeyMissing")
            assert "has no usable key 'paid' (fix: use one of: wrong)" in missing["message"]

            await plane.apply(secret("providers", paid="two words"))
            await plane.until_condition("ResolvedRefs", "False", "InvalidSecretFormat")

            await plane.apply(secret("providers", paid="sk-paid-again"))
            await plane.until_condition("Ready", "True")
            await plane.until(lambda s: s["credentials"] == "2/2")

            await plane.kubectl("delete", "rcfg", "default")
            await plane.until_secret_is_gone("default-snapshot")
            for router in routers:
                assert await models(router, "sk-rotated") == ["free", "new"]
                await until_stream(router, lambda s: s["error"] == "answered 401")

            await plane.apply(routerconfig(MOCK, models={"again": "mock"}))
            await plane.until_condition("Accepted", "True")
        code, seconds = await operator.stop()
        assert code == 0
        assert seconds < 30  # well below one, but for a loaded machine


async def test_what_does_not_compile_leaves_the_last_good_one(plane: ControlPlane) -> None:
    await plane.apply(
        routerconfig(MOCK, models={"good": "mock"}), secret("keys", master=MASTER_KEY)
    )
    async with plane.operator(), plane.router() as router:
        await plane.until_condition("Ready", "True")
        version = (await plane.status())["snapshot"]["version"]
        await plane.patch(
            '{"spec": {"redis": {"urlSecretRef": {"name": "nowhere"}}, "models": []}}'
        )
        refused = await plane.until_condition("Accepted", "False", "Invalid")
        assert refused["message"].startswith("spec.redis.urlSecretRef: there is no usable Secret")
        kept = await plane.until_condition("Programmed", "False", "LastGoodKept")
        assert version in kept["message"]
        assert await models(router) == ["good"]
        assert (await plane.status())["snapshot"]["version"] == version
        async with plane.router("late") as late:
            assert await models(late) == ["good"]
        await plane.patch('{"spec": {"redis": null}}')
        await plane.until_condition("Accepted", "True")


async def test_the_last_good_one_tells_where_the_operator_is_now(plane: ControlPlane) -> None:
    await plane.apply(
        routerconfig(MOCK, models={"good": "mock"}), secret("keys", master=MASTER_KEY)
    )
    async with plane.operator():
        await plane.until_condition("Accepted", "True")
    await plane.patch('{"spec": {"redis": {"urlSecretRef": {"name": "nowhere"}}}}')
    before = await plane.secret("default-snapshot")
    async with plane.operator(STREAM_URL=f"https://localhost:{plane.stream_port}"):
        await plane.until_condition("Programmed", "False", "LastGoodKept")
        await until_secret(plane, lambda s: b"https://localhost:" in read(s, STREAM_FILE))
        after = await plane.secret("default-snapshot")
        assert read(after, SNAPSHOT_FILE) == read(before, SNAPSHOT_FILE)


def read(secret: dict[str, Any], name: str) -> bytes:
    return base64.b64decode(secret["data"][name])


async def test_a_name_that_two_models_claim_is_named_and_the_rest_is_served(
    plane: ControlPlane,
) -> None:
    config = routerconfig(MOCK, models={"one": "mock", "two": "mock"})
    config["spec"]["models"][0]["aliases"] = ["best"]
    config["spec"]["models"][1]["aliases"] = ["best"]
    await plane.apply(config, secret("keys", master=MASTER_KEY))
    async with plane.operator(), plane.router() as router:
        found = await plane.until_condition("PartiallyInvalid", "True", "DuplicateModelName")
        assert found["message"].startswith(
            "spec.models[name=two].aliases[0]: best is already a name of"
        )
        await plane.until_condition("Ready", "True")
        assert await models(router) == ["one", "two"]


async def test_a_snapshot_that_does_not_fit_leaves_the_last_good_one(plane: ControlPlane) -> None:
    await plane.apply(routerconfig(MOCK, models={"m": "mock"}), secret("keys", master=MASTER_KEY))
    async with plane.operator():
        await plane.until_condition("Accepted", "True")
        for half in range(2):
            await plane.apply(secret(f"noise-{half}", **{f"k{n}": noise(half, n) for n in KEYS}))
        noisy = [credential_with(f"noise-{half}", f"k{n}") for half in range(2) for n in KEYS]
        await plane.apply(routerconfig(MOCK, *noisy, models={"m": "mock"}))
        found = await plane.until_condition("Accepted", "False", "SnapshotTooLarge")
        assert "a Secret at most 1000000" in found["message"]
        kept = await plane.until_condition("Programmed", "False", "LastGoodKept")
        assert kept["message"].startswith("pods keep the last good snapshot")


def credential_with(name: str, key: str) -> dict[str, Any]:
    reference = {"secretRef": {"name": name, "key": key}}
    return {**UPSTREAM, "name": f"{name}-{key}", **reference}


def noise(half: int, number: int) -> str:
    """A long key that does not compress."""
    return Random(f"{half} {number}").randbytes(4000).hex()


async def test_events_tell_what_has_turned_once(plane: ControlPlane) -> None:
    await plane.apply(routerconfig(MOCK, UPSTREAM, models={"m": "paid"}))
    await plane.apply(secret("keys", master=MASTER_KEY))
    async with plane.operator():
        await plane.until_condition("ResolvedRefs", "False")
        await plane.apply(secret("providers", paid="sk-paid"))
        await plane.until_condition("ResolvedRefs", "True")
        told = [(e["type"], e["reason"]) for e in await plane.events()]
        assert sorted(told) == [
            ("Normal", "Accepted"),
            ("Warning", "NoUsableBackend"),
            ("Warning", "SecretNotFound"),
        ]
        assert {e["regarding"]["name"] for e in await plane.events()} == {"default"}


async def test_each_snapshot_that_runs_everywhere_is_an_event(plane: ControlPlane) -> None:
    await plane.apply(secret("keys", master=MASTER_KEY))
    await plane.apply(routerconfig(MOCK, models={"first": "mock"}))
    async with plane.operator(), plane.router():
        for name in ("second", "third"):
            await plane.apply(routerconfig(MOCK, models={name: "mock"}))
            programmed = await plane.until_condition("Programmed", "True")
            await until_noted(plane, programmed["message"])
        notes = [e["note"] for e in await plane.events() if e["reason"] == "Programmed"]
        assert len(notes) == len(set(notes)), "none is told twice"


async def test_a_snapshot_that_somebody_deletes_or_edits_is_restored(plane: ControlPlane) -> None:
    await plane.apply(routerconfig(MOCK, models={"m": "mock"}), secret("keys", master=MASTER_KEY))
    async with plane.operator():
        await plane.until_condition("Accepted", "True")
        before = await plane.secret("default-snapshot")
        await plane.kubectl("delete", "secret", "default-snapshot")
        await until_secret(plane, lambda s: s["metadata"]["uid"] != before["metadata"]["uid"])
        await plane.patch('{"data": {"snapshot.json.gz": "AAAA"}}', "secret/default-snapshot")
        await until_secret(plane, lambda s: s["data"]["snapshot.json.gz"] != "AAAA")


async def test_a_resource_that_was_made_anew_owns_the_snapshot_of_the_old_one(
    plane: ControlPlane,
) -> None:
    config = routerconfig(MOCK, models={"m": "mock"})
    await plane.apply(config, secret("keys", master=MASTER_KEY))
    async with plane.operator(), plane.router() as router:
        await plane.until_condition("Ready", "True")
        before = await plane.secret("default-snapshot")
        await plane.kubectl("delete", "rcfg", "default", "--cascade=orphan")
        await plane.apply(config)
        await plane.until_condition("Ready", "True")
        uid = (await plane.config())["metadata"]["uid"]
        await until_secret(
            plane, lambda s: [o["uid"] for o in s["metadata"].get("ownerReferences", ())] == [uid]
        )
        after = await plane.secret("default-snapshot")
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert await models(router) == ["m"]


async def test_a_secret_that_stands_in_the_way_is_named_until_it_is_gone(
    plane: ControlPlane,
) -> None:
    await plane.apply(
        secret("default-snapshot", mine="other"),
        secret("keys", master=MASTER_KEY),
        routerconfig(MOCK, models={"m": "mock"}),
    )
    async with plane.operator(RETRY_FIRST="30"):
        failed = await plane.until_condition("Programmed", "False", "PublishFailed")
        assert failed["message"] == (
            "Secret default-snapshot is there already and is no snapshot: its type is Opaque"
            " (fix: keep that Secret under another name)"
        )
        assert (await plane.secret("default-snapshot"))["data"] == {"mine": "b3RoZXI="}
        await plane.until_told("Warning", "PublishFailed")
        await plane.kubectl("delete", "secret", "default-snapshot")
        await plane.until_condition("Programmed", "Unknown", "NoPods")


async def test_a_long_name_has_events_like_any_other(plane: ControlPlane) -> None:
    name = "n" * 199 + "-" + "n" * 40
    await plane.apply(
        secret("keys", master=MASTER_KEY), routerconfig(MOCK, models={"m": "mock"}, name=name)
    )
    async with plane.operator() as operator:
        await plane.until_condition("Accepted", "True", name=name)
        await plane.until_told("Normal", "Accepted")
        assert "no Event was written" not in operator.log


async def until_noted(plane: ControlPlane, note: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while note not in [e["note"] for e in await plane.events()]:
            await asyncio.sleep(0.02)


async def until_secret(plane: ControlPlane, wanted: Callable[[dict[str, Any]], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                if wanted(await plane.secret("default-snapshot")):
                    return
            except NotFound:
                pass
            await asyncio.sleep(0.02)


async def until_stream(router: RouterProcess, wanted: Callable[[dict[str, Any]], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not wanted((await router.health())["stream"]):
            await asyncio.sleep(0.05)
