"""The grants of a RouterConfig, as RouterKeys ask for them."""

from __future__ import annotations

from typing import Any

from airouter.config.findings import KeyRefusal
from airouter.config.resource.routerkey import RouterKeySpec
from airouter_operator.issuing.grants import Grants
from airouter_operator.kube.objects import ObjectKey
from airouter_operator.watching.kinds import ROUTER_CONFIGS
from airouter_operator.watching.mirror import Mirror

CONFIG = ObjectKey("ai", "default")
KEY = ObjectKey("team-a", "checkout")
SPEC = RouterKeySpec.model_validate({"router": {"name": "default", "namespace": "ai"}})
MODEL = {"name": "gpt-4o", "backends": [{"credential": "main"}]}


def grants(**spec: Any) -> Grants:
    """The grants of a RouterConfig with such a spec; without one, of none."""
    mirror = Mirror()
    if spec:
        put(mirror, 1, **spec)
    return Grants(mirror, "http://{name}.{namespace}.svc/")


def put(mirror: Mirror, generation: int, version: int = 1, **spec: Any) -> None:
    """Put a RouterConfig into a mirror."""
    counts = {"resourceVersion": str(version), "generation": generation}
    metadata = {"name": "default", "namespace": "ai", **counts}
    head = {"apiVersion": "airouter.dev/v1alpha1", "kind": "RouterConfig"}
    mirror.put(ROUTER_CONFIGS, CONFIG, {**head, "metadata": metadata, "spec": spec})


async def test_a_key_is_admitted_whatever_else_is_wrong_with_the_router_config() -> None:
    granted = {"name": "teams", "namespaces": {"names": ["team-a"]}}
    auth = {"grants": [granted], "masterKey": {}}
    found = await grants(models=[MODEL], auth=auth, credentials=[{"name": "Wrong"}]).ask(KEY, SPEC)
    assert not isinstance(found, KeyRefusal)
    assert found.name == "teams"


async def test_models_that_a_good_key_asks_for_in_vain_are_named() -> None:
    granted = {"name": "teams", "namespaces": {"names": ["team-a"]}, "models": ["gpt-*"]}
    asked = grants(models=[MODEL], auth={"grants": [granted]})
    spec = SPEC.model_copy(update={"models": ["gpt-*", "claude-*", "o3"]})
    grant = await asked.ask(KEY, spec)
    assert not isinstance(grant, KeyRefusal)
    assert await asked.vain_wishes(KEY, spec, grant) == (
        "grant teams allows no model for claude-*, o3 "
        "(fix: take it out of spec.models, or ask the owner of the router for it)"
    )
    assert await asked.vain_wishes(KEY, SPEC, grant) == ""


async def test_a_router_config_that_is_not_there_grants_nothing() -> None:
    found = await grants().ask(KEY, SPEC)
    assert isinstance(found, KeyRefusal)
    assert found == await grants(models=[MODEL]).ask(KEY, SPEC)
    assert found.reason == "NoGrant"


async def test_a_grant_that_is_taken_back_is_gone_at_once() -> None:
    mirror = Mirror()
    found = Grants(mirror, "http://router")
    auth = {"grants": [{"name": "teams", "namespaces": {"names": ["team-a"]}}]}
    put(mirror, 1, models=[MODEL], auth=auth)
    assert not isinstance(await found.ask(KEY, SPEC), KeyRefusal)
    put(mirror, 1, version=2, models=[MODEL], auth=auth)
    assert not isinstance(await found.ask(KEY, SPEC), KeyRefusal)
    put(mirror, 2, version=3, models=[MODEL])
    assert isinstance(await found.ask(KEY, SPEC), KeyRefusal)


async def test_clients_are_sent_to_the_public_url_or_the_service_of_their_router() -> None:
    assert await grants().base_url(CONFIG) == "http://default.ai.svc"
    assert await grants(http={"publicURL": "https://llm/"}).base_url(CONFIG) == "https://llm"
