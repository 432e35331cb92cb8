"""A team applies a RouterKey and has a key, for as long and for as much as a grant says."""

from __future__ import annotations

import asyncio
import hashlib
import time

from airouter_operator.kube.objects import kubernetes_time
from support.control_plane import PATIENCE, ControlPlane
from support.resources import secret
from support.router_keys import (
    age_key,
    change_record,
    grant_to,
    granting,
    key_in,
    key_object,
    may_create_secrets,
    models_of,
    router_key,
    secrets_of,
    snapshot_text,
    until_another_key,
    until_key,
    until_key_condition,
    until_keys_are_told,
    until_models,
    until_request_is_withdrawn,
)


async def test_a_key_that_is_applied_is_in_its_secret_and_good(plane: ControlPlane) -> None:
    await plane.apply(*granting(grant_to(plane.namespace)))
    async with plane.operator(), plane.router() as router:
        await plane.until_condition("Programmed", "True")
        await plane.apply(router_key(secretName="checkout-llm"))
        values = await key_in(plane, "checkout-llm")
        await until_key_condition(plane, "Ready", "True")
        key = values["OPENAI_API_KEY"]
        url = f"http://auto-ai-router.{plane.namespace}.svc"
        assert values == {
            "OPENAI_API_KEY": key,
            "ANTHROPIC_API_KEY": key,
            "OPENAI_BASE_URL": f"{url}/v1",
            "ANTHROPIC_BASE_URL": url,
        }
        status = (await key_object(plane))["status"]
        assert status["keyPrefix"] == key[:11]
        assert (status["grant"], status["secretName"]) == ("teams", "checkout-llm")
        await until_models(router, key, ["gpt-4o", "o3"])
        assert await models_of(router, key[:-1]) == 401
        snapshot = await snapshot_text(plane)
        assert hashlib.sha256(key.encode()).hexdigest() in snapshot
        assert key not in snapshot


async def test_a_key_follows_its_grant_and_ends_with_its_routerkey(plane: ControlPlane) -> None:
    await plane.apply(*granting(grant_to(plane.namespace)), router_key(models=["gpt-*", "o3"]))
    async with plane.operator(), plane.router() as router:
        key = (await key_in(plane))["OPENAI_API_KEY"]
        await until_models(router, key, ["gpt-4o", "o3"])
        await plane.apply(granting(grant_to(plane.namespace, models=["gpt-*"]))[0])
        await until_models(router, key, ["gpt-4o"])
        await plane.apply(granting(grant_to("elsewhere"))[0])
        await until_models(router, key, 401)
        refused = await until_key_condition(plane, "Admitted", "False", "NoGrant")
        assert refused["message"] == (
            f"no grant of RouterConfig {plane.namespace}/default covers namespace "
            f"{plane.namespace} (fix: have it granted in spec.auth.grants, with namespaces: "
            f"{{names: [{plane.namespace}]}})"
        )
        await until_key_condition(plane, "Ready", "False", "NoGrant")
        await plane.apply(*granting(grant_to(plane.namespace)))
        await until_models(router, key, ["gpt-4o", "o3"])
        await until_key_condition(plane, "Ready", "True")
        await plane.kubectl("delete", "rkey", "checkout")
        await until_models(router, key, 401)
        await plane.until_secret_is_gone("checkout")


async def test_a_key_for_a_router_that_is_not_there_is_told_no_more_than_without_a_grant(
    plane: ControlPlane,
) -> None:
    await plane.apply(*granting(), router_key(), router_key("nowhere", router="nowhere"))
    async with plane.operator():
        told = [
            (await until_key_condition(plane, "Admitted", "False", "NoGrant", name))["message"]
            for name in ("checkout", "nowhere")
        ]
        assert told[0].replace("/default", "/nowhere") == told[1]
        await until_key_condition(plane, "Issued", "False", "NotIssued")
        named = [each["metadata"]["name"] async for each in secrets_of(plane)]
        assert "checkout" not in named
        assert "nowhere" not in named
        await until_keys_are_told(plane, "NoGrant", {"checkout", "nowhere"})


async def test_a_secret_of_somebody_else_is_left_as_it_is(plane: ControlPlane) -> None:
    await plane.apply(*granting(grant_to(plane.namespace)), secret("checkout", password="theirs-1"))
    before = await plane.secret("checkout")
    async with plane.operator(), plane.router() as router:
        await plane.apply(router_key())
        issued = await until_key_condition(plane, "Issued", "False", "SecretNotOwned")
        assert "keep that Secret under another name" in issued["message"]
        assert await plane.secret("checkout") == before
        await plane.kubectl("delete", "secret", "checkout")
        key = (await key_in(plane))["OPENAI_API_KEY"]
        await until_models(router, key, ["gpt-4o", "o3"])


async def test_a_key_that_leaked_is_replaced_at_once(plane: ControlPlane) -> None:
    await plane.apply(*granting(grant_to(plane.namespace)), router_key())
    async with plane.operator(), plane.router() as router:
        leaked = (await key_in(plane))["OPENAI_API_KEY"]
        await until_models(router, leaked, ["gpt-4o", "o3"])
        # Twice: the request is taken back each time, so that it can be made again.
        for _ in range(2):
            await plane.kubectl("annotate", "rkey", "checkout", "airouter.dev/rotate=now")
            key = await until_another_key(plane, leaked)
            await until_models(router, leaked, 401)
            await until_models(router, key, ["gpt-4o", "o3"])
            await until_request_is_withdrawn(plane)
            leaked = key


async def test_during_the_overlap_both_keys_are_good(plane: ControlPlane) -> None:
    rotation = {"every": "720h", "overlap": "24h"}
    await plane.apply(*granting(grant_to(plane.namespace)), router_key(rotation=rotation))
    async with plane.operator(), plane.router() as router:
        former = (await key_in(plane))["OPENAI_API_KEY"]
        await until_models(router, former, ["gpt-4o", "o3"])
        await plane.kubectl("annotate", "rkey", "checkout", "airouter.dev/rotate=overlap")
        key = await until_another_key(plane, former)
        await until_models(router, key, ["gpt-4o", "o3"])
        assert await models_of(router, former) == ["gpt-4o", "o3"]
        status = await until_key(plane, lambda s: "formerUntil" in s)
        assert status["keyPrefix"] == key[:11]
        await until_request_is_withdrawn(plane)


async def test_a_key_that_is_old_is_replaced_and_the_former_ends_after_the_overlap(
    plane: ControlPlane,
) -> None:
    await plane.apply(*granting(grant_to(plane.namespace)), router_key())
    async with plane.operator(), plane.router() as router:
        former = (await key_in(plane))["OPENAI_API_KEY"]
        await until_models(router, former, ["gpt-4o", "o3"])
        await age_key(plane, seconds=3600)
        await plane.apply(router_key(rotation={"every": "1h", "overlap": "3s"}))
        key = await until_another_key(plane, former)
        await until_models(router, key, ["gpt-4o", "o3"])
        await until_models(router, former, 401)
        assert await models_of(router, key) == ["gpt-4o", "o3"]


async def test_a_key_ends_at_its_time_though_nobody_says_so(plane: ControlPlane) -> None:
    await plane.apply(*granting(grant_to(plane.namespace)), router_key())
    async with plane.operator() as operator, plane.router() as router:
        key = (await key_in(plane))["OPENAI_API_KEY"]
        await until_models(router, key, ["gpt-4o", "o3"])
        await plane.until_condition("Programmed", "True")
        version = (await plane.status())["snapshot"]["version"]
        await plane.apply(router_key(expiresAt=kubernetes_time(time.time() + 10)))
        await plane.until(lambda s: s["snapshot"]["version"] != version)
        await plane.until_condition("Programmed", "True")
        await operator.kill()
        await until_models(router, key, 401)
    async with plane.operator():
        await until_key_condition(plane, "Admitted", "False", "Expired")


async def test_a_key_ends_while_its_router_config_is_refused(plane: ControlPlane) -> None:
    await plane.apply(*granting(grant_to(plane.namespace)), router_key(), router_key("other"))
    async with plane.operator(), plane.router() as router:
        key = (await key_in(plane))["OPENAI_API_KEY"]
        other = (await key_in(plane, "other"))["OPENAI_API_KEY"]
        await until_models(router, key, ["gpt-4o", "o3"])
        await until_models(router, other, ["gpt-4o", "o3"])
        await plane.kubectl("delete", "secret", "keys")
        await plane.until_condition("Accepted", "False", "Invalid")
        await plane.kubectl("delete", "rkey", "checkout")
        await until_models(router, key, 401)
        assert await models_of(router, other) == ["gpt-4o", "o3"]


async def test_an_operator_that_dies_while_it_issues_leaves_one_key(plane: ControlPlane) -> None:
    await plane.apply(*granting(grant_to(plane.namespace)))
    async with plane.operator() as first:
        await plane.until_condition("Accepted", "True")
        await plane.apply(router_key())
        key = (await key_in(plane))["OPENAI_API_KEY"]
        await first.kill()  # the Secret is there, and perhaps nothing that follows from it
    async with plane.operator(), plane.router() as router:
        await until_models(router, key, ["gpt-4o", "o3"])
        await until_key_condition(plane, "Issued", "True")
        assert (await key_in(plane))["OPENAI_API_KEY"] == key


async def test_a_request_that_was_met_before_the_operator_died_is_not_met_again(
    plane: ControlPlane,
) -> None:
    await plane.apply(*granting(grant_to(plane.namespace)), router_key())
    async with plane.operator():
        former = (await key_in(plane))["OPENAI_API_KEY"]
        await plane.kubectl("annotate", "rkey", "checkout", "airouter.dev/rotate=now")
        key = await until_another_key(plane, former)
        await until_request_is_withdrawn(plane)
    # As if it had died in between: the request is there, and the Secret says that it was met.
    await change_record(plane, request="now")
    await plane.kubectl("annotate", "rkey", "checkout", "airouter.dev/rotate=now")
    async with plane.operator():
        await until_request_is_withdrawn(plane)
        assert (await key_in(plane))["OPENAI_API_KEY"] == key


async def test_what_is_taken_out_of_a_secret_comes_back(plane: ControlPlane) -> None:
    await plane.apply(*granting(grant_to(plane.namespace)), router_key())
    async with plane.operator():
        values = await key_in(plane)
        patch = '{"data": {"ANTHROPIC_API_KEY": null, "OPENAI_BASE_URL": "eA=="}}'
        await plane.patch(patch, "secret/checkout")
        async with asyncio.timeout(PATIENCE):
            while await key_in(plane) != values:
                await asyncio.sleep(0.02)


async def test_a_secret_that_could_not_be_written_is_written_once_it_can_be(
    plane: ControlPlane,
) -> None:
    await plane.apply(*granting(grant_to(plane.namespace)))
    async with plane.operator() as operator:
        await plane.until_condition("Accepted", "True")
        await may_create_secrets(plane, allowed=False)
        await plane.apply(router_key())
        refused = await until_key_condition(plane, "Issued", "False", "WriteRefused")
        assert "status 403 (fix: see the operator's rights" in refused["message"]
        await may_create_secrets(plane, allowed=True)
        await key_in(plane)
        await until_key_condition(plane, "Issued", "True")
        assert "WriteRefused" not in operator.log


async def test_clients_are_sent_to_the_public_url_of_a_router(plane: ControlPlane) -> None:
    config, keys = granting(grant_to(plane.namespace))
    await plane.apply(config, keys, router_key())
    async with plane.operator():
        key = (await key_in(plane))["OPENAI_API_KEY"]
        config["spec"]["http"] = {"publicURL": "https://llm.example.com/"}
        await plane.apply(config)
        async with asyncio.timeout(PATIENCE):
            while (values := await key_in(plane))["OPENAI_BASE_URL"].startswith("http://"):
                await asyncio.sleep(0.02)
        assert values["OPENAI_BASE_URL"] == "https://llm.example.com/v1"
        assert values["ANTHROPIC_BASE_URL"] == "https://llm.example.com"
        assert values["OPENAI_API_KEY"] == key
