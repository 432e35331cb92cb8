"""Recorded requests of coding agents (`recorded/`), sent again to every provider's stand-in."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from contract.matrix.features import UPSTREAMS
from contract.matrix.world import World, model_of, world
from contract.services.openai.responses import KEY, MODEL, ResponsesService
from contract.services.stand_in import Body, Call, Turn
from support.config import manifest
from support.in_loop import served

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

pytestmark = pytest.mark.asyncio(loop_scope="module")
RECORDED = Path(__file__).parent / "recorded"
REQUESTS = sorted(str(path.relative_to(RECORDED)) for path in RECORDED.glob("*/*.json"))
OF_CODEX = [name for name in REQUESTS if name.startswith("codex/")]
PACKINGS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd.compress}
EVERYWHERE = pytest.mark.parametrize("upstream", UPSTREAMS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everything() -> AsyncIterator[World]:
    async with world() as found:
        yield found


def recording(name: str, **fields: object) -> Body:
    """A recorded request, some fields of its body changed."""
    found: Body = json.loads((RECORDED / name).read_text())
    return {**found, "body": {**found["body"], **fields}}


async def send(
    client: httpx.AsyncClient, recorded: Body, packing: str | None = None
) -> httpx.Response:
    """Send it, as its client does."""
    data = json.dumps(recorded["body"], ensure_ascii=False).encode()
    headers = dict(recorded["headers"])
    if packing is not None:
        data, headers["content-encoding"] = PACKINGS[packing](data), packing
    return await client.post(recorded["path"], content=data, headers=headers)


def said_in(answer: httpx.Response) -> str:
    """The text of an answer that is whole, be it a stream or not."""
    if answer.headers["content-type"] == "application/json":
        return str(answer.json()["content"][-1]["text"])
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line[:6] == "data: "]
    assert events[-1]["type"] in {"message_stop", "response.completed"}
    pieces = [each["delta"] for each in events if "delta" in each]
    return "".join(piece if isinstance(piece, str) else piece.get("text", "") for piece in pieces)


async def asked(everything: World, upstream: str, name: str) -> str:
    """Send one; what the provider was asked then."""
    everything.script(upstream, Turn(text="Well."))
    recorded = recording(name, model=model_of(upstream))
    answer = await send(everything.router.client, recorded)
    assert answer.status_code == 200, answer.text
    return json.dumps(everything.asked(upstream), ensure_ascii=False)


@EVERYWHERE
@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("name", REQUESTS)
async def test_every_provider_answers_a_coding_agent(
    everything: World, upstream: str, name: str, packing: str
) -> None:
    everything.script(upstream, Turn(text="It rained."))
    recorded = recording(name, model=model_of(upstream))
    answer = await send(everything.router.client, recorded, packing)
    assert answer.status_code == 200, answer.text
    assert said_in(answer) == "It rained."


@EVERYWHERE
async def test_claude_code_gets_the_call_of_its_tool(everything: World, upstream: str) -> None:
    everything.script(upstream, Turn(calls=(Call("Bash", {"command": "ls"}),)))
    recorded = recording("claude_code/first_turn.json", model=model_of(upstream), stream=False)
    answer = await send(everything.router.client, recorded)
    call = answer.json()["content"][-1]
    assert (call["name"], call["input"]) == ("Bash", {"command": "ls"})


@EVERYWHERE
async def test_codex_gets_the_call_of_a_tool_in_its_namespace(
    everything: World, upstream: str
) -> None:
    given: Body = {"message": "Say hi."}
    everything.script(upstream, Turn(calls=(Call("multi_agent_v1__spawn_agent", given),)))
    recorded = recording("codex/first_turn.json", model=model_of(upstream), stream=False)
    answer = await send(everything.router.client, recorded)
    call = answer.json()["output"][-1]
    assert (call["namespace"], call["name"]) == ("multi_agent_v1", "spawn_agent")
    assert json.loads(call["arguments"]) == given


@EVERYWHERE
async def test_a_sub_agent_is_told_its_task(everything: World, upstream: str) -> None:
    said = await asked(everything, upstream, "codex/sub_agent.json")
    assert "NEW_TASK" in said
    assert said.count("Say hi.") == 2  # in the call that began it, and to itself


@EVERYWHERE
async def test_who_began_a_sub_agent_is_told_its_answer(everything: World, upstream: str) -> None:
    said = await asked(everything, upstream, "codex/sub_agent_answered.json")
    assert "FINAL_ANSWER" in said
    assert "Hi from the agent." in said


@EVERYWHERE
async def test_a_session_goes_on_after_a_call_that_was_cut(
    everything: World, upstream: str
) -> None:
    said = await asked(everything, upstream, "codex/resumed.json")
    assert '{\\"cmd\\": \\"l' in said
    assert ("INVALID_JSON" in said) == (upstream != "OpenAI")  # which takes any text


@EVERYWHERE
async def test_the_line_of_claude_code_about_who_pays_leaves_no_trace(
    everything: World, upstream: str
) -> None:
    said = await asked(everything, upstream, "claude_code/first_turn.json")
    assert "You are a Claude agent" in said
    if upstream != "Anthropic":
        assert "cc_version" not in said


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("name", OF_CODEX)
async def test_a_provider_of_responses_gets_what_codex_sends(name: str, packing: str) -> None:
    async with ResponsesService().listening() as service:
        credential = {
            "name": "openai",
            "type": "OpenAI",
            "baseURL": service.base_url,
            "secretRef": {"name": "keys", "key": "openai"},
        }
        models = [
            {"name": "gpt", "backends": [{"credential": "openai", "upstreamName": MODEL}]},
        ]
        async with served(manifest([credential], models, secrets={"openai": KEY})) as router:
            recorded = recording(name, model="gpt")
            answer = await send(router.client, recorded, packing)
            assert answer.status_code == 200, answer.text
            assert "response.completed" in answer.text
            sent = service.journal[-1].body
            assert sent == {**recorded["body"], "model": MODEL}
