"""What an operator says that cannot work."""

from __future__ import annotations

import pytest

from airouter_operator.preflight import NOT_DISCOVERED, reading_obstacle
from support.api_pages import asking, serving

GROUPS = {"groups": [{"name": "airouter.dev"}]}
RESOURCES = {"resources": [{"name": "routerconfigs"}, {"name": "routerkeys"}]}
OLDER = {"resources": [{"name": "routerconfigs"}]}


@pytest.mark.parametrize(
    ("pages", "found"),
    [
        ({"/apis": GROUPS, "/apis/airouter.dev/v1alpha1": RESOURCES}, ""),
        ({"/apis": GROUPS, "/apis/airouter.dev/v1alpha1": {"resources": []}}, NOT_DISCOVERED),
        ({"/apis": GROUPS, "/apis/airouter.dev/v1alpha1": OLDER}, NOT_DISCOVERED),
        ({"/apis": {"groups": []}}, NOT_DISCOVERED),
    ],
)
async def test_routerconfigs_are_waited_for_until_they_are_where_kopf_looks(
    pages: dict[str, object], found: str
) -> None:
    async with serving(pages) as url, asking(url) as (api, _):
        assert await reading_obstacle(api, ["ai"], "ai") == found
