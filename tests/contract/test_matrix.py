"""Every feature over every translation, whole and streamed: it works, or it is refused by name."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import anthropic
import openai
import pytest
import pytest_asyncio

from contract.matrix.features import (
    CLIENTS,
    FEATURES,
    UPSTREAMS,
    Feature,
    Seen,
    named,
    passes_through,
)
from contract.matrix.table import PAGE, page
from contract.matrix.world import World, model_of, world

CELLS = [
    pytest.param(client, upstream, feature, id=f"{client}-{upstream}-{feature.name}")
    for client in CLIENTS
    for upstream in UPSTREAMS
    for feature in FEATURES
    if getattr(feature, client) is not None
    and not (passes_through(client, upstream) and upstream in {*feature.own, *feature.refused})
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everything() -> AsyncIterator[World]:
    async with world() as found:
        yield found


def expected(seen: Seen, upstream: str) -> str:
    return seen if isinstance(seen, str) else seen.get(upstream, "")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("client", "upstream", "feature"), CELLS)
async def test_a_feature_survives_or_is_refused_by_name(
    everything: World, client: str, upstream: str, feature: Feature, streamed: bool
) -> None:
    sdk = everything.clients[client]
    body = getattr(feature, client)
    before = len(everything.journal(upstream))
    if upstream in feature.refused:
        with pytest.raises((openai.BadRequestError, anthropic.BadRequestError)) as caught:
            await sdk.ask(model_of(upstream), body, streamed=streamed)
        assert model_of(upstream) in str(caught.value)
        assert len(everything.journal(upstream)) == before
        assert str(named(client, feature.refused[upstream])) in str(caught.value)
        return
    everything.script(upstream, feature.turn)
    heard = await sdk.ask(model_of(upstream), body, streamed=streamed)
    if feature.follow is not None:
        everything.script(upstream, type(feature.turn)(text="Well."))
        turns = "input" if client == "responses" else "messages"
        following = {**body, turns: [*body[turns], *sdk.reply(heard, *feature.follow)]}
        heard = await sdk.ask(model_of(upstream), following, streamed=streamed)
    asked = json.dumps(everything.asked(upstream), ensure_ascii=False)
    for seen in feature.seen:
        assert expected(seen, upstream) in asked
    assert feature.heard(heard), heard
    service = everything.services[upstream]
    assert not service.refused
    assert not service.turns


def test_the_page_about_translations_is_what_was_tested() -> None:
    assert PAGE.read_text() == page(), "run `make translations`"
