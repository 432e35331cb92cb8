"""A conversation that began with one provider goes on with another, tool calls in the middle."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from contract.matrix.features import (
    CALLS,
    CHAT_TOOLS,
    CLAUDES,
    GEMINIS,
    MESSAGES_TOOLS,
    UPSTREAMS,
    user,
)
from contract.matrix.world import World, model_of, world
from contract.services.stand_in import Body, Turn

pytestmark = pytest.mark.asyncio(loop_scope="module")

FOREIGN = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
"""Gemini's word for a call that no Gemini made, in base64."""
THINKING = {"type": "enabled", "budget_tokens": 1_024}
RUNS_CLAUDE = (*CLAUDES, "Bedrock")


def same_claude(one: str, other: str) -> bool:
    """The same Claude takes its signatures back wherever it runs; two stand-ins do not."""
    return one in RUNS_CLAUDE and other in RUNS_CLAUDE


def unsigned(client: str, one: str, other: str) -> bool:
    """A body that passes through says itself that it wants thinking where there was none."""
    return client == "messages" and one == "OpenAI" and other in CLAUDES


PAIRS = [
    pytest.param(client, one, other, id=f"{client}: {one} to {other}")
    for client in ("chat", "messages")
    for one in UPSTREAMS
    for other in UPSTREAMS
    if one != other and not same_claude(one, other) and not unsigned(client, one, other)
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everything() -> AsyncIterator[World]:
    async with world() as found:
        yield found


def first_body(client: str, upstream: str) -> Body:
    """A question with tools; whoever can is asked to think."""
    if client == "chat":
        body: Body = {"messages": user(), "tools": CHAT_TOOLS, "max_tokens": 3_000}
        extra: Body = {"extra_body": {"thinking": THINKING}}
    else:
        body = {"messages": user(), "tools": MESSAGES_TOOLS, "max_tokens": 3_000}
        extra = {"thinking": THINKING}
    return body if upstream == "OpenAI" else body | extra


@pytest.mark.parametrize(("client", "first", "second"), PAIRS)
async def test_a_turn_of_tools_moves_to_another_provider(
    everything: World, client: str, first: str, second: str
) -> None:
    sdk = everything.clients[client]
    thinks = first != "OpenAI"
    everything.script(first, Turn(thinking="Hm." if thinks else None, calls=CALLS))
    heard = await sdk.ask(model_of(first), first_body(client, first), streamed=True)
    everything.script(second, Turn(text="Done."))
    body = first_body(client, second)
    body["messages"] = [*user(), *sdk.reply(heard, ["sunny", "noon"], None)]
    heard = await sdk.ask(model_of(second), body, streamed=False)
    assert heard.text == "Done."
    asked = json.dumps(everything.asked(second))
    assert "__airouter" not in asked
    assert "sunny" in asked
    if second in GEMINIS:
        assert (FOREIGN in asked) == (first != second)


async def test_what_a_model_drops_is_not_refused(everything: World) -> None:
    """`parameters` of a model work on the client's own fields, before anything is translated."""
    sdk: Any = everything.clients["chat"].sdk  # type: ignore[attr-defined]  # both have one
    everything.script("Anthropic", Turn(text="Done."))
    await sdk.chat.completions.create(
        model="anthropic-lenient", messages=user(), seed=7, logprobs=True
    )
    asked = everything.asked("Anthropic")
    assert "seed" not in asked
    assert asked["temperature"] == 0.5
