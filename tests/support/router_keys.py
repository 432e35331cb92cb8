"""RouterKeys for tests: what people apply, what the operator writes, and who takes the key."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.config.delivery import SNAPSHOT_FILE, unpack_snapshot
from airouter.config.resource.routerkey import ROUTER_KEY_KIND
from airouter_operator.key_secret import RECORD_ANNOTATION, ROTATE_ANNOTATION, KeyRecord
from airouter_operator.kube.errors import NotFound
from airouter_operator.kube.objects import ObjectKey, annotation_in
from airouter_operator.kube.paths import router_key_at, secrets_in
from support.config import MASTER_KEY, MOCK
from support.control_plane import ACCOUNT, PATIENCE, condition
from support.http_client import http_client
from support.resources import Object, routerconfig, secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from support.control_plane import ControlPlane
    from support.router import RouterProcess


def router_key(name: str = "checkout", router: str = "default", **spec: Any) -> Object:
    """A RouterKey for a router of its own namespace."""
    return {
        "apiVersion": "airouter.dev/v1alpha1",
        "kind": "RouterKey",
        "metadata": {"name": name},
        "spec": {"router": {"name": router}, **spec},
    }


def granting(*grants: Object) -> list[Object]:
    """A RouterConfig of two models with grants, and its Secret."""
    auth = {"masterKey": {"secretRef": {"name": "keys", "key": "master"}}, "grants": list(grants)}
    config = routerconfig(MOCK, models={"gpt-4o": "mock", "o3": "mock"}, auth=auth)
    return [config, secret("keys", master=MASTER_KEY)]


def grant_to(*namespaces: str, name: str = "teams", **fields: Any) -> Object:
    """A grant for namespaces by their names."""
    return {"name": name, "namespaces": {"names": list(namespaces)}, **fields}


async def key_object(plane: ControlPlane, name: str = "checkout") -> Object:
    """A RouterKey as the API server has it."""
    return await plane.client.get(router_key_at(ObjectKey(plane.namespace, name)))


async def until_key(
    plane: ControlPlane, wanted: Callable[[Object], bool], name: str = "checkout"
) -> Object:
    """Wait until the status of a RouterKey is as it is wanted, and return it."""
    status: Object = {}
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                body = await key_object(plane, name)
                status = body.get("status") or {}
                current = status.get("observedGeneration") == body["metadata"]["generation"]
                if current and wanted(status):
                    return status
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"the RouterKey never came to be as it is wanted: {status}") from None


async def until_key_condition(
    plane: ControlPlane, type_: str, status: str, reason: str = "", name: str = "checkout"
) -> Object:
    """Wait for a condition of a RouterKey, and return it."""

    def holds(found: Object) -> bool:
        each = condition(found, type_)
        return each is not None and each["status"] == status and reason in {"", each["reason"]}

    return condition(await until_key(plane, holds, name), type_) or {}


async def key_in(plane: ControlPlane, secret_name: str = "checkout") -> dict[str, str]:
    """Wait for the Secret of a key, and return its values."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(NotFound):
                data = (await plane.secret(secret_name))["data"]
                break
            await asyncio.sleep(0.01)
    values = {name: base64.b64decode(value).decode() for name, value in data.items()}
    plane.secrets.add(values["OPENAI_API_KEY"])
    return values


async def until_another_key(plane: ControlPlane, former: str) -> str:
    """Wait until the Secret holds another key, and return it."""
    async with asyncio.timeout(PATIENCE):
        while (found := (await key_in(plane))["OPENAI_API_KEY"]) == former:
            await asyncio.sleep(0.01)
    return found


async def models_of(router: RouterProcess, key: str) -> list[str] | int:
    """The models that a key may ask a router for, or the status of the refusal."""
    headers = {"authorization": f"Bearer {key}"}
    async with http_client(base_url=router.base_url, headers=headers) as client:
        answer = await client.get("/models")
    if answer.status_code != 200:
        return answer.status_code
    return sorted(each["id"] for each in answer.json()["data"])


async def until_models(router: RouterProcess, key: str, wanted: list[str] | int) -> None:
    """Wait until a key may ask for these models, or is refused by this status."""
    found: list[str] | int = -1
    try:
        async with asyncio.timeout(PATIENCE):
            while (found := await models_of(router, key)) != wanted:
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"the router answered {found}, not {wanted}") from None


async def until_keys_are_told(plane: ControlPlane, reason: str, names: set[str]) -> None:
    """Wait for Events of a reason about RouterKeys."""
    async with asyncio.timeout(PATIENCE):
        while names != {
            event["regarding"]["name"]
            for event in await plane.events(ROUTER_KEY_KIND)
            if event["reason"] == reason
        }:
            await asyncio.sleep(0.05)


def secrets_of(plane: ControlPlane) -> AsyncIterator[Object]:
    """All Secrets of a namespace."""
    return plane.client.each(secrets_in(plane.namespace))


async def snapshot_text(plane: ControlPlane) -> str:
    """All that the pods of a router get, as JSON."""
    data = (await plane.secret("default-snapshot"))["data"]
    snapshot = unpack_snapshot(base64.b64decode(data[SNAPSHOT_FILE]))
    return msgspec.json.encode(snapshot).decode()


async def until_request_is_withdrawn(plane: ControlPlane) -> None:
    """Wait until the operator has taken the annotation off, and the Secret forgotten of it."""
    async with asyncio.timeout(PATIENCE):
        while (
            annotation_in(await key_object(plane), ROTATE_ANNOTATION)
            or (await record_of(plane)).request
        ):
            await asyncio.sleep(0.02)


async def record_of(plane: ControlPlane) -> KeyRecord:
    """What the operator remembers of a key."""
    annotation = annotation_in(await plane.secret("checkout"), RECORD_ANNOTATION)
    return msgspec.json.decode(annotation, type=KeyRecord)


async def change_record(plane: ControlPlane, **changes: Any) -> None:
    """Have the operator remember something else of a key."""
    record = msgspec.structs.replace(await record_of(plane), **changes)
    annotations = {RECORD_ANNOTATION: msgspec.json.encode(record).decode()}
    patch = json.dumps({"metadata": {"annotations": annotations}})
    await plane.patch(patch, "secret/checkout")


async def age_key(plane: ControlPlane, seconds: int) -> None:
    """Make a key older than it is."""
    await change_record(plane, issued_at=(await record_of(plane)).issued_at - seconds)


async def may_create_secrets(plane: ControlPlane, *, allowed: bool) -> None:
    """Give the operator the right to create Secrets, or take it."""
    role = json.loads(await plane.kubectl("get", "role", ACCOUNT, "-o", "json"))
    (rule,) = (rule for rule in role["rules"] if rule["resources"] == ["secrets"])
    rule["verbs"] = ["list", "watch", "patch", *(["create"] if allowed else [])]
    await plane.kubectl("replace", "-f", "-", stdin=json.dumps(role))
