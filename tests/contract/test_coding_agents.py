"""Coding agents as they are installed: what they send beside their request stops no provider."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from contract.matrix.features import CLAUDES, UPSTREAMS
from contract.matrix.world import World, model_of, world
from contract.services.stand_in import Body, Call, Turn

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.parametrize("upstream", UPSTREAMS),
]
BETAS = "interleaved-thinking-2025-05-14,context-management-2025-06-27"
SHELL: Body = {
    "type": "function",
    "name": "exec_command",
    "description": "Runs a command.",
    "strict": False,
    "parameters": {"type": "object", "properties": {"cmd": {"type": "string"}}},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everything() -> AsyncIterator[World]:
    async with world() as found:
        yield found


def by_codex(model: str, **fields: object) -> Body:
    """A turn as Codex asks for it."""
    said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi."}]}
    return {
        "model": model,
        "input": [said],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "thread-1",
        "client_metadata": {"thread_id": "thread-1"},
        **fields,
    }


def by_claude_code(model: str) -> Body:
    """A turn as Claude Code asks for it."""
    kept: Body = {"cache_control": {"type": "ephemeral"}}
    bash: Body = {"type": "object", "properties": {"command": {"type": "string"}}}
    return {
        "model": model,
        "max_tokens": 16_000,
        "system": [{"type": "text", "text": "You are an agent.", **kept}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hi.", **kept}]},
            {"role": "system", "content": "There are other agents."},
        ],
        "tools": [{"name": "Bash", "description": "Runs a command.", "input_schema": bash}],
        "metadata": {"user_id": "{}"},
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "high"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    }


@pytest.mark.parametrize("live", [True, False], ids=["live", "cached"])
async def test_an_offered_search_leaves_a_model_without_one_its_other_tools(
    everything: World, upstream: str, live: bool
) -> None:
    everything.script(upstream, Turn(calls=(Call("exec_command", {"cmd": "ls"}),)))
    search = {"type": "web_search", "external_web_access": live}
    body = by_codex(model_of(upstream), tools=[SHELL, search])
    answer = await everything.router.client.post("/v1/responses", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["output"][-1]["name"] == "exec_command"
    assert ("web_search" in str(everything.asked(upstream))) == (live and upstream in CLAUDES)


async def test_a_search_that_is_all_that_is_offered_is_refused(
    everything: World, upstream: str
) -> None:
    if upstream not in {"OpenAI", "Bedrock"}:
        return  # they search
    model, client = model_of(upstream), everything.router.client
    tools = [{"type": "web_search"}]
    answer = await client.post("/v1/responses", json=by_codex(model, tools=tools))
    assert answer.json()["error"]["param"] == "tools[0]"


async def test_no_model_stumbles_over_how_wordy_it_shall_be(
    everything: World, upstream: str
) -> None:
    everything.script(upstream, Turn(text="Brief."))
    body = by_codex(model_of(upstream), tools=[SHELL], text={"verbosity": "low"})
    answer = await everything.router.client.post("/v1/responses", json=body)
    assert answer.status_code == 200, answer.text
    assert "verbosity" not in str(everything.asked(upstream))


async def test_claude_code_gets_an_answer_from_every_model(
    everything: World, upstream: str
) -> None:
    everything.script(upstream, Turn(calls=(Call("Bash", {"command": "ls"}),)))
    body = by_claude_code(model_of(upstream))
    answer = await everything.router.client.post(
        "/v1/messages?beta=true", json=body, headers={"anthropic-beta": BETAS}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["content"][-1]["name"] == "Bash"
