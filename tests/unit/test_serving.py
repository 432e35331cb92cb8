"""Routes are made while requests wait for them, so nothing that can be declared may fail there."""

import itertools
from typing import get_args

import pytest

from airouter.config import snapshot as declared
from airouter.config.providers import OfferedApi
from airouter.config.snapshot import AWS, GCP, Credential, Mock, Model
from airouter.providers.binding import OFFERS, Api
from airouter.providers.mock import MockUpstream
from airouter.providers.registry import load_providers
from airouter.routing.catalog import Load
from airouter.serving import Account, route_for

PROVIDERS = load_providers()
KNOWN = get_args(OfferedApi)
NAMES = (
    "m",
    "gpt-4o",
    "claude-sonnet-4-5",
    "gemini-2.5-pro",
    "anthropic.claude-sonnet-4-5-v1:0",
    "cohere.embed-v4:0",
    "amazon.titan-embed-text-v2:0",
    "text-embedding-3-small",
)


@pytest.mark.parametrize("type_", PROVIDERS)
@pytest.mark.parametrize("api", OFFERS)
def test_a_route_can_be_made_for_whatever_a_credential_offers(api: Api, type_: str) -> None:
    made = 0
    offers = [(one,) for one in KNOWN] + list(itertools.combinations(KNOWN, 2)) + [KNOWN]
    for offered, name in itertools.product(offers, NAMES):
        credential = Credential(
            "c", type_, api=offered, aws=AWS(region="eu-west-1"), gcp=GCP(location="europe-west1")
        )
        account = Account(
            credential, PROVIDERS[type_], "https://x", MockUpstream(Mock()), Load(), None
        )
        model = Model("public", tiers=((declared.Backend("c", name),),))
        route = route_for(api, {"c": account}, model)
        made += len(route.backends)
    if api in ("chat", "responses"):
        assert made, "every provider answers those"
