"""The webhook, as the API server asks it, and as anybody else may."""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
import trustme

from airouter_operator.injecting.injector import INJECT, Injector
from airouter_operator.injecting.patch import INJECTED
from airouter_operator.injecting.sidecar import CONTAINER, SNAPSHOT_VOLUME, base_urls
from airouter_operator.injecting.webhook import MAX_REVIEW, PATH, InjectionWebhook
from airouter_operator.kube.objects import Object
from support.api_pages import asking, serving
from support.http_client import http_client
from unit.operator.injecting.test_patch import TEMPLATE

NAMESPACES = "/api/v1/namespaces"
LISTENS = {"name": "app", "ports": [{"containerPort": TEMPLATE.port}]}
CALLS = {"name": "app", "env": [{"name": name} for name in base_urls(TEMPLATE.port)]}


def review(namespace: str = "shop", spec: Object | None = None, **metadata: Any) -> Object:
    """What the API server posts."""
    subject = {"metadata": metadata, "spec": spec or {"containers": [{"name": "app"}]}}
    request = {"uid": "u-1", "namespace": namespace, "operation": "CREATE", "object": subject}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


@contextlib.asynccontextmanager
async def webhook(
    pages: dict[str, object] | None = None, scopes: Sequence[str | None] = (None,)
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a webhook whose API server has these pages."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    async with serving(pages or {}) as url, asking(url) as (kube, _):
        subject = InjectionWebhook(Injector(kube, scopes, TEMPLATE))
        port = await subject.start("127.0.0.1", 0, tls)
        try:
            async with http_client(verify=False, base_url=f"https://127.0.0.1:{port}") as client:
                yield client
        finally:
            await subject.close()


async def answer(client: httpx.AsyncClient, document: Object) -> Object:
    """The response in the answer to a review."""
    answer = await client.post(PATH, json=document)
    assert answer.status_code == 200
    found: Object = answer.json()["response"]
    assert (found["uid"], found["allowed"]) == ("u-1", True)
    return found


def snapshot_in(response: Object) -> str:
    """The name of the snapshot Secret that the patch mounts."""
    assert response["patchType"] == "JSONPatch"
    patch = json.loads(base64.b64decode(response["patch"]))
    (volumes,) = [each["value"] for each in patch if each["path"].startswith("/spec/volumes")]
    return str(volumes[0]["secret"]["secretName"])


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": {INJECT: "teams"}},
        {"annotations": {INJECT: "teams"}},
        {"labels": {INJECT: "true"}, "annotations": {INJECT: "teams"}},
    ],
)
async def test_a_pod_gets_the_router_that_it_names(metadata: Object) -> None:
    async with webhook() as client:
        assert snapshot_in(await answer(client, review(**metadata))) == "teams-snapshot"


async def test_a_pod_that_names_none_gets_the_router_of_its_namespace() -> None:
    labelled = {"metadata": {"name": "shop", "labels": {INJECT: "default"}}}
    async with webhook({NAMESPACES: {"items": [labelled]}}) as client:
        assert snapshot_in(await answer(client, review())) == "default-snapshot"
        told = await answer(client, review(labels={INJECT: "false"}))
        assert "patch" not in told


async def test_a_pod_that_asks_for_nothing_is_left_as_it_is() -> None:
    async with webhook() as client:
        told = await answer(client, review())
        assert told.keys() == {"uid", "allowed"}


@pytest.mark.parametrize(
    ("namespace", "config", "spec", "why"),
    [
        ("shop", "default", {"hostNetwork": True}, "every pod of the node could call it"),
        ("shop", "default", {"shareProcessNamespace": True}, "all could read the router's keys"),
        ("shop", "default", {"os": {"name": "windows"}}, "runs on Linux"),
        ("shop", "a/b", {}, "not the name of a RouterConfig"),
        ("shop", "default", {"containers": [{"name": CONTAINER}]}, "has a container 'airouter'"),
        ("shop", "default", {"initContainers": [{"name": CONTAINER}]}, "a container 'airouter'"),
        ("shop", "default", {"volumes": [{"name": SNAPSHOT_VOLUME}]}, "a volume 'airouter-snap"),
        ("shop", "default", {"containers": [LISTENS]}, "container 'app' has the port 14000"),
        ("elsewhere", "default", {}, "does not watch the namespace elsewhere"),
    ],
)
async def test_where_there_can_be_no_router_the_pod_is_made_and_its_author_warned(
    namespace: str, config: str, spec: Object, why: str
) -> None:
    async with webhook(scopes=["shop"]) as client:
        document = review(namespace, {"containers": [], **spec}, annotations={INJECT: config})
        told = await answer(client, document)
        assert "patch" not in told
        (warning,) = told["warnings"]
        assert why in warning


async def test_a_pod_that_has_its_router_may_be_asked_about_again() -> None:
    spec = {"containers": [CALLS], "initContainers": [{"name": CONTAINER}]}
    async with webhook() as client:
        told = await answer(client, review(spec=spec, labels={INJECT: "teams", INJECTED: "true"}))
        assert told.keys() == {"uid", "allowed"}


async def test_a_port_of_another_protocol_is_no_obstacle() -> None:
    port = {"containerPort": TEMPLATE.port, "protocol": "UDP"}
    spec = {"containers": [{"name": "app", "ports": [port]}]}
    async with webhook() as client:
        told = await answer(client, review(spec=spec, labels={INJECT: "teams"}))
        assert snapshot_in(told) == "teams-snapshot"


async def test_the_longest_name_of_a_routerconfig_is_taken() -> None:
    longest = "a" * 244
    async with webhook() as client:
        told = await answer(client, review(annotations={INJECT: longest}))
        assert snapshot_in(told) == f"{longest}-snapshot"
        assert (await answer(client, review(annotations={INJECT: longest + "a"})))["warnings"]


async def test_a_namespace_that_cannot_be_read_is_no_answer() -> None:
    async with webhook({NAMESPACES: "a balancer"}) as client:
        assert (await client.post(PATH, json=review())).status_code == 503


DEEP = b'{"request":' + b"[" * 10_000


@pytest.mark.parametrize("body", [b"", b"[]", b'{"request":{"uid":1}}', b"\xff", DEEP])
async def test_what_is_no_review_is_refused(body: bytes) -> None:
    async with webhook() as client:
        assert (await client.post(PATH, content=body)).status_code == 400
        assert (await client.post(PATH, content=b" " * (MAX_REVIEW + 1))).status_code == 413
