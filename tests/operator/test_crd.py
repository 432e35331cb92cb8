"""The API server accepts and refuses the same RouterConfigs and RouterKeys as our models do."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from airouter.config.documents import documents
from support.control_plane import ControlPlane
from support.crd import Sample, accepted, accepted_keys, rejected, rejected_keys
from support.http_client import PATIENCE
from support.kubernetes.apiserver import ApiServer

QUERY = {"dryRun": "All", "fieldValidation": "Strict"}


@pytest.fixture(scope="module")
def server(kubernetes: ApiServer) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=kubernetes.url, verify=kubernetes.admin_context, timeout=PATIENCE
    ) as client:
        yield client


def create(server: httpx.Client, sample: Sample) -> httpx.Response:
    (document,) = documents(sample.text)
    plural = f"{document.root.value['kind'].lower()}s"
    path = f"/apis/airouter.dev/v1alpha1/namespaces/default/{plural}"
    return server.post(path, json=document.root.value, params=QUERY)


def plain(path: str) -> str:
    """A path without positions, as the API server leaves some out."""
    return re.sub(r"\[\d+\]", "", path)


@pytest.mark.parametrize("sample", accepted() + accepted_keys(), ids=lambda sample: sample.name)
def test_a_good_resource_is_accepted(server: httpx.Client, sample: Sample) -> None:
    answer = create(server, sample)
    assert answer.status_code == 201, answer.json()["message"]


@pytest.mark.parametrize("sample", rejected() + rejected_keys(), ids=lambda sample: sample.name)
def test_a_bad_resource_is_refused_by_its_field(server: httpx.Client, sample: Sample) -> None:
    answer = create(server, sample)
    assert answer.status_code in {400, 422}, answer.status_code
    assert plain(sample.field) in plain(answer.json()["message"])


async def test_kubectl_explains_every_field(plane: ControlPlane) -> None:
    limits = await plane.kubectl("explain", "routerconfig.spec.credentials.limits")
    assert "rpm" in limits
    assert "<no description>" not in await plane.kubectl(
        "explain", "--recursive=false", "routerconfig.spec"
    )


async def test_the_secret_of_a_key_stays_the_same(plane: ControlPlane) -> None:
    key = {
        "apiVersion": "airouter.dev/v1alpha1",
        "kind": "RouterKey",
        "metadata": {"name": "checkout"},
        "spec": {"router": {"name": "default"}, "secretName": "one"},
    }
    await plane.apply(key)
    for change in ('"two"', "null"):
        with pytest.raises(RuntimeError, match="secretName: Forbidden: cannot be changed"):
            await plane.patch(f'{{"spec": {{"secretName": {change}}}}}', "rkey/checkout")
    await plane.patch('{"spec": {"models": ["gpt-*"]}}', "rkey/checkout")


async def test_kubectl_lists_them_by_every_name(plane: ControlPlane) -> None:
    for name in ("rcfg", "routerconfig", "routerconfigs", "rkey", "routerkeys", "airouter"):
        assert await plane.kubectl("get", name) == ""
