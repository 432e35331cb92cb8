"""What clients say beside a request stops no provider; each refuses what it does not know."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from airouter.dialects.translation.tool_names import fitting_name
from contract.matrix.features import CLAUDES, GEMINIS, UPSTREAMS
from contract.matrix.world import World, model_of, world
from contract.services.stand_in import Body, Call, Turn

pytestmark = pytest.mark.asyncio(loop_scope="module")
EVERYWHERE = pytest.mark.parametrize("upstream", UPSTREAMS)
BETAS = (
    "interleaved-thinking-2025-05-14,context-management-2025-06-27,prompt-caching-2024-07-31,"
    "files-api-2025-04-14"
)
BILLING: Body = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1; cch=00000;"}
PROMPT: Body = {"type": "text", "text": "You are an agent."}
NAME = "größe lesen/1.0"
CITY: Body = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
PLACE: Body = {
    "type": "object",
    "properties": {
        "here": {"$ref": "#/$defs/City", "description": "Where you are."},
        "there": {"$ref": "#/$defs/City", "description": "Where you go."},
        "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}]},
        "tags": {"type": "object", "patternProperties": {"^x-": {"type": "string"}}},
        "level": {"type": "integer", "not": {"const": 0}},
        "mail": {"type": "string", "format": "email"},
        "anything": {},
    },
    "required": ["here"],
    "$defs": {"City": CITY},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everything() -> AsyncIterator[World]:
    async with world() as found:
        yield found


async def post(everything: World, path: str, body: Body, **headers: str) -> Any:
    answer = await everything.router.client.post(path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


@EVERYWHERE
async def test_who_pays_is_told_to_anthropic_alone(everything: World, upstream: str) -> None:
    everything.script(upstream, Turn(text="Well."))
    body: Body = {
        "model": model_of(upstream),
        "max_tokens": 99,
        "system": [BILLING, PROMPT],
        "messages": [{"role": "user", "content": "Hello!"}],
    }
    await post(everything, "/v1/messages", body)
    asked = str(everything.asked(upstream))
    assert ("billing" in asked) == (upstream == "Anthropic")
    assert "You are an agent." in asked


@EVERYWHERE
async def test_betas_that_a_cloud_does_not_know_stay_behind(
    everything: World, upstream: str
) -> None:
    everything.script(upstream, Turn(text="Well."))
    body: Body = {
        "model": model_of(upstream),
        "max_tokens": 99,
        "messages": [{"role": "user", "content": "Hello!"}],
    }
    await post(everything, "/v1/messages?beta=true", body, **{"anthropic-beta": BETAS})
    if upstream in CLAUDES:
        told = everything.journal(upstream)[-1].headers["anthropic-beta"].split(",")
        known = set(BETAS.split(",")[: 2 if upstream == "Vertex Claude" else None])
        assert set(told) == known
    elif upstream == "Bedrock":
        fields = everything.asked(upstream)["additionalModelRequestFields"]
        assert fields == {"anthropic_beta": ["interleaved-thinking-2025-05-14"]}


@EVERYWHERE
@pytest.mark.parametrize("api", ["chat", "messages", "responses"])
async def test_a_tool_of_any_schema_is_offered(everything: World, upstream: str, api: str) -> None:
    everything.script(upstream, Turn(text="Well."))
    asking: Body = {"role": "user", "content": "Hello!"}
    function: Body = {"name": "go", "description": "Goes.", "parameters": PLACE}
    body: Body = {"model": model_of(upstream), "messages": [asking]}
    path = "/v1/chat/completions"
    if api == "chat":
        body["tools"] = [{"type": "function", "function": function}]
    elif api == "messages":
        path = "/v1/messages"
        body |= {"max_tokens": 99, "tools": [{"name": "go", "input_schema": PLACE}]}
    else:
        path = "/v1/responses"
        body = {"model": model_of(upstream), "input": [asking]}
        body["tools"] = [{"type": "function", "strict": False, **function}]
    await post(everything, path, body)
    asked = str(everything.asked(upstream))
    assert "Where you go." in asked
    if upstream in GEMINIS:
        assert "'$ref'" not in asked  # each has a description beside it


@pytest.mark.parametrize("upstream", GEMINIS)
async def test_an_answer_of_any_schema_is_asked_for(everything: World, upstream: str) -> None:
    everything.script(upstream, Turn(text="{}"))
    form: Body = {"type": "json_schema", "json_schema": {"name": "place", "schema": PLACE}}
    asking: Body = {"role": "user", "content": "Hello!"}
    body = {"model": model_of(upstream), "messages": [asking], "response_format": form}
    await post(everything, "/v1/chat/completions", body)
    assert "Where you go." in str(everything.asked(upstream))


@EVERYWHERE
@pytest.mark.parametrize("nothing", [[], ""], ids=["no block", "no text"])
async def test_an_empty_answer_in_a_history_stops_no_provider(
    everything: World, upstream: str, nothing: Any
) -> None:
    everything.script(upstream, Turn(text="Well."))
    body: Body = {
        "model": model_of(upstream),
        "max_tokens": 99,
        "messages": [
            {"role": "user", "content": "Hello!"},
            {"role": "assistant", "content": nothing},
            {"role": "user", "content": "Are you there?"},
        ],
    }
    await post(everything, "/v1/messages", body)
    assert "Are you there?" in str(everything.asked(upstream))


@EVERYWHERE
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("api", ["chat", "messages", "responses"])
async def test_a_tool_of_any_name_is_called_by_it(
    everything: World, upstream: str, api: str, stream: bool
) -> None:
    call = Call(fitting_name(NAME), {"city": "Rome"})
    everything.script(upstream, Turn(calls=(call,)))
    asking: Body = {"role": "user", "content": "Hello!"}
    function: Body = {"name": NAME, "description": "Reads.", "parameters": CITY}
    body: Body = {"model": model_of(upstream), "messages": [asking], "stream": stream}
    path = {"chat": "/v1/chat/completions", "messages": "/v1/messages"}.get(api, "/v1/responses")
    if api == "chat":
        body["tools"] = [{"type": "function", "function": function}]
    elif api == "messages":
        body |= {"max_tokens": 99, "tools": [{"name": NAME, "input_schema": CITY}]}
    else:
        body = {"model": model_of(upstream), "input": [asking], "stream": stream}
        body["tools"] = [{"type": "function", "strict": False, **function}]
    answer = await everything.router.client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    assert NAME in answer.text
    assert fitting_name(NAME) not in answer.text


@EVERYWHERE
async def test_blank_texts_stop_no_provider(everything: World, upstream: str) -> None:
    everything.script(upstream, Turn(text="Well."))
    blank: Body = {"type": "text", "text": " \n"}
    cached: Body = blank | {"text": "", "cache_control": {"type": "ephemeral"}}
    asking: Body = {"type": "text", "text": "Hello!"}
    use: Body = {"type": "tool_use", "id": "toolu_1", "name": "go", "input": {}}
    result: Body = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [blank]}
    body: Body = {
        "model": model_of(upstream),
        "max_tokens": 99,
        "system": [blank, PROMPT, cached],
        "tools": [{"name": "go", "input_schema": {"type": "object"}}],
        "messages": [
            {"role": "user", "content": [blank, asking, cached]},
            {"role": "assistant", "content": [cached, use]},
            {"role": "user", "content": [result | {"is_error": True}, cached]},
            {"role": "assistant", "content": " "},
            {"role": "user", "content": [asking, cached]},
        ],
    }
    await post(everything, "/v1/messages", body)
    if upstream in CLAUDES:
        asked = everything.asked(upstream)
        assert asked["system"] == [PROMPT | {"cache_control": {"type": "ephemeral"}}]
        assert str(asked).count("ephemeral") == 4


@EVERYWHERE
@pytest.mark.parametrize("called", ["auto", {"name": "look"}])
async def test_functions_of_old_are_called(
    everything: World, upstream: str, called: str | Body
) -> None:
    if upstream == "OpenAI":
        return  # which is asked as the client asks
    everything.script(upstream, Turn(calls=(Call("look", {"city": "Rome"}),)))
    call: Body = {"name": "look", "arguments": "{}"}
    body: Body = {
        "model": model_of(upstream),
        "functions": [{"name": "look", "parameters": CITY}],
        "function_call": called,
        "messages": [
            {"role": "user", "content": "Hello!"},
            {"role": "assistant", "content": None, "function_call": call},
            {"role": "function", "name": "look", "content": "A hill."},
            {"role": "assistant", "content": None, "function_call": call},
            {"role": "user", "content": "Look again."},
        ],
    }
    (choice,) = (await post(everything, "/v1/chat/completions", body))["choices"]
    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["function_call"]["name"] == "look"


@EVERYWHERE
@pytest.mark.parametrize("api", ["chat", "messages", "responses"])
async def test_a_text_that_was_cut_inside_an_emoji_stops_no_provider(
    everything: World, upstream: str, api: str
) -> None:
    everything.script(upstream, Turn(text="Well."))
    asking: Body = {"role": "user", "content": "Look: \ud83d..."}
    path = {"chat": "/v1/chat/completions", "messages": "/v1/messages"}.get(api, "/v1/responses")
    body: Body = {"model": model_of(upstream)}
    if api == "responses":
        body["input"] = [asking]
    else:
        body |= {"messages": [asking], "max_tokens": 99}
    answer = await everything.router.client.post(
        path, content=json.dumps(body), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 200, answer.text
    assert "Look: \ufffd..." in str(everything.asked(upstream))


@EVERYWHERE
async def test_tools_that_come_and_go_in_the_middle_are_those_at_the_end(
    everything: World, upstream: str
) -> None:
    everything.script(upstream, Turn(text="Well."))

    def tool(name: str, **more: Any) -> Body:
        return {"name": name, "description": f"Does {name}.", "input_schema": CITY, **more}

    def change(kind: str, tool: Body) -> Body:
        return {"type": kind, "tool": tool}

    def named(name: str) -> Body:
        return {"type": "tool_reference", "name": name}

    late = {"type": "tool_definition", "definition": tool("late")}
    changes = [change("tool_addition", named("found")), change("tool_addition", late)]
    asking: Body = {"role": "user", "content": "Hello!"}
    body: Body = {
        "model": model_of(upstream),
        "max_tokens": 99,
        "tools": [tool("first"), tool("gone"), tool("found", defer_loading=True)],
        "messages": [
            asking,
            {"role": "system", "content": [*changes, {"type": "text", "text": "Be brief."}]},
            {"role": "assistant", "content": "Well."},
            asking,
            {"role": "system", "content": [change("tool_removal", named("gone"))]},
            {"role": "system", "content": [], "output_config": {"effort": "low"}},
        ],
    }
    await post(everything, "/v1/messages", body)
    asked = everything.asked(upstream)
    said = json.dumps(asked)
    offered = [name for name in ("first", "gone", "found", "late") if f"Does {name}." in said]
    assert offered == ["first", "found", "late"]
    assert "defer_loading" not in said
    assert "Be brief." in said
