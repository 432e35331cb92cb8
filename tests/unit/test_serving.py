"""Routes are made while requests wait for them, so nothing that can be declared may fail there."""

import contextlib
import itertools
import json
from typing import get_args
from urllib.parse import quote

import pytest

from airouter.config import snapshot as declared
from airouter.config.providers import OfferedApi
from airouter.config.snapshot import AWS, GCP, Credential, Mock, Model
from airouter.dialects.client_request import parse_client_request
from airouter.dialects.reserved_fields import READ_OR_SET
from airouter.failures import Failure
from airouter.providers.binding import OFFERS, Api
from airouter.providers.mock import MockUpstream
from airouter.providers.registry import load_providers
from airouter.routing.catalog import Load
from airouter.serving.account import Account
from airouter.serving.routes import NO_PRICES, route_for
from airouter.serving.target import Target

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


def credential(type_: str, offered: tuple[OfferedApi, ...]) -> Credential:
    return Credential(
        "c", type_, api=offered, aws=AWS(region="eu-west-1"), gcp=GCP(location="europe-west1")
    )


def targets_of(type_: str, api: Api, name: str, offered: tuple[OfferedApi, ...]) -> list[Target]:
    """Where a model is asked for that a provider knows by `name`."""
    account = Account(
        credential(type_, offered),
        PROVIDERS[type_],
        "https://x",
        MockUpstream(Mock()),
        Load(),
        None,
    )
    model = Model("public", tiers=((declared.Backend("c", name),),))
    return [backend.target for backend in route_for(api, {"c": account}, NO_PRICES, model).backends]


TURNS = {"messages": [{"role": "user", "content": "x"}], "max_tokens": 9}
ASKED: dict[Api, dict[str, object]] = {
    "chat": TURNS,
    "messages": TURNS,
    "count_tokens": TURNS,
    "completions": {"prompt": "x"},
    "images": {"prompt": "x"},
}
"""A body for each API, but for those that take an input."""


@pytest.mark.parametrize("type_", PROVIDERS)
@pytest.mark.parametrize("api", OFFERS)
@pytest.mark.parametrize("name", NAMES[1:])
def test_a_provider_is_asked_for_its_own_name_of_the_model(name: str, api: Api, type_: str) -> None:
    body = json.dumps({"model": "public", **ASKED.get(api, {"input": "x"})}).encode()
    for target in targets_of(type_, api, name, KNOWN):
        bodies: list[bytes] = []
        with contextlib.suppress(Failure):  # a model that has no embeddings is not asked
            bodies = target.translation.encode(parse_client_request(body))
        for sent in bodies:
            named = json.loads(sent).get("model")
            assert named == name or quote(name, safe="") in target.path.decode()
            assert b"public" not in sent


@pytest.mark.parametrize("type_", PROVIDERS)
@pytest.mark.parametrize("api", sorted(OFFERS.keys() - {"session"}))
def test_no_client_can_say_again_what_stands_in_an_envelope(api: Api, type_: str) -> None:
    for name in NAMES:
        binding = PROVIDERS[type_].bind(api, credential(type_, KNOWN), name)
        assert binding is None or binding.envelope.keys() <= READ_OR_SET


@pytest.mark.parametrize("type_", PROVIDERS)
@pytest.mark.parametrize("api", OFFERS)
def test_a_route_can_be_made_for_whatever_a_credential_offers(api: Api, type_: str) -> None:
    made = 0
    offers = [(one,) for one in KNOWN] + list(itertools.combinations(KNOWN, 2)) + [KNOWN]
    for offered, name in itertools.product(offers, NAMES):
        made += len(targets_of(type_, api, name, offered))
    if api in ("chat", "responses"):
        assert made, "every provider answers those"
