"""What an operator says that cannot work."""

from __future__ import annotations

import pytest

from airouter_operator.kube import KubeError
from airouter_operator.preflight import NOT_DISCOVERED, obstacle, reading_obstacle
from support.api_pages import asking, serving

GROUPS = {"groups": [{"name": "airouter.dev"}]}
RESOURCES = {"resources": [{"name": "routerconfigs"}]}


@pytest.mark.parametrize(
    ("pages", "found"),
    [
        ({"/apis": GROUPS, "/apis/airouter.dev/v1alpha1": RESOURCES}, ""),
        ({"/apis": GROUPS, "/apis/airouter.dev/v1alpha1": {"resources": []}}, NOT_DISCOVERED),
        ({"/apis": {"groups": []}}, NOT_DISCOVERED),
    ],
)
async def test_routerconfigs_are_waited_for_until_they_are_where_kopf_looks(
    pages: dict[str, object], found: str
) -> None:
    async with serving(pages) as url, asking(url) as (api, _):
        assert await reading_obstacle(api, ["ai"], "ai") == found


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "the API server does not take the operator's token (GET /x/routerconfigs)"),
        (403, "may not list: see manifests/install/rbac.yaml (GET /x/routerconfigs)"),
        (404, "is not installed: kubectl apply -f manifests/crds"),
        (500, "does not do as it is asked: GET /x/routerconfigs"),
    ],
)
def test_an_obstacle_is_told_with_what_would_help(status: int, said: str) -> None:
    assert obstacle("list", KubeError("GET /x/routerconfigs", status)).endswith(said)
