"""What the tests beside this ask in the words of Responses, over the translation of a provider.

Every body that is sent is held to the provider's own types, and everything that a client gets to
those of OpenAI's SDK, strictly, and to the schema of Open Responses.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from openai.types.responses import Response, ResponseOutputItem, ResponseStreamEvent
from pydantic import TypeAdapter

from airouter.config.snapshot import Parameters
from airouter.dialects.chat.upstream import OPENAI
from airouter.dialects.client_request import ClientRequest, Edits
from airouter.dialects.conversation import Destination, Json
from airouter.dialects.converse.upstream import CONVERSE
from airouter.dialects.gemini.upstream import GEMINI as GEMINI_API
from airouter.dialects.gemini.upstream import VERTEX
from airouter.dialects.messages.upstream import MESSAGES
from airouter.dialects.translation.base import Translation
from airouter.dialects.translation.choice import translation_for
from airouter.dialects.translation.client_apis import ServedModel
from airouter.failures import Failure
from airouter.interfaces import BufferedReply
from contract.services.bedrock.answers import events as converse_events
from contract.services.bedrock.service import frame
from contract.services.stand_in import sse
from support.open_responses import deviations
from support.provider_shapes import problems
from unit.dialects.responses.grammar import check_grammar

CLAUDE, GEMINI = "claude-sonnet-4-5", "gemini-3-flash-preview"
MODELS = {
    "messages": CLAUDE,
    "gemini": GEMINI,
    "vertex": GEMINI,
    "converse": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "openai": "gpt-5",
}
APIS = {
    "messages": MESSAGES,
    "gemini": GEMINI_API,
    "vertex": VERTEX,
    "converse": CONVERSE,
    "openai": OPENAI,
}
PROVIDERS = ("messages", "gemini", "converse")
PARAMETERS: Json = {"type": "object", "properties": {"city": {"type": "string"}}}
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
ITEM: TypeAdapter[Any] = TypeAdapter(ResponseOutputItem)


def function(name: str = "weather", **more: Any) -> Json:
    return {"type": "function", "name": name, "parameters": PARAMETERS, "strict": False, **more}


def namespace(name: str, *tools: Json, description: str = "") -> Json:
    return {"type": "namespace", "name": name, "description": description, "tools": [*tools]}


def user(text: str = "Hello") -> Json:
    return {"role": "user", "content": text}


def translation(speech: str) -> Translation:
    destination = Destination(model=MODELS[speech], maker="maker")
    model = ServedModel("m", destination, Edits(Parameters()), envelope={})
    return translation_for("responses", APIS[speech], model)


def request(body: Json) -> ClientRequest:
    given = {"model": "m", "input": "Hello", **body}
    data = msgspec.json.encode(given)
    fields = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in given.items()}
    return ClientRequest(data, fields, "m", stream=bool(body.get("stream")))


def sent(speech: str, *items: Json, **more: Any) -> Json:
    """What a provider is asked."""
    body = {"input": list(items), **more} if items else more
    (data,) = translation(speech).encode(request(body))
    asked: Json = msgspec.json.decode(data)
    assert problems(speech, asked) == []
    return asked


def refused(*items: Json, speech: str = "messages", **more: Any) -> Failure:
    """Why nothing is asked."""
    with pytest.raises(Failure) as failure:
        sent(speech, *items, **more)
    assert failure.value.status == 400
    return failure.value


def whole(speech: str, reply: Json, **asked: Any) -> Json:
    """The response that a client gets for a provider's whole answer."""
    answered = BufferedReply(200, {}, msgspec.json.encode(reply))
    body = translation(speech).answer(request(asked), [answered]).body
    Response.model_validate_json(body, strict=True)
    response: Json = msgspec.json.decode(body)
    assert deviations(response) == []
    for item in response["output"]:
        ITEM.validate_python(item, strict=True)
    return response


def streamed(speech: str, pieces: list[bytes], **asked: Any) -> list[Json]:
    """The events that a client gets for a provider's stream."""
    out: list[bytes] = []
    stream_filter = translation(speech).stream_filter(
        request({**asked, "stream": True}), out.append
    )
    for piece in pieces:
        stream_filter.feed(piece)
    stream_filter.finish()
    return events_in(b"".join(out))


def events_in(data: bytes) -> list[Json]:
    """The events of a stream, checked."""
    found: list[Json] = []
    for written in data.split(b"\n\n")[:-1]:
        if written.startswith(b":"):
            continue
        name, _, json = written.partition(b"\n")
        event = msgspec.json.decode(json.removeprefix(b"data: "))
        assert name.removeprefix(b"event: ").decode() == event["type"]
        found.append(event)
    return checked(found)


def checked(events: list[Json]) -> list[Json]:
    """Events that keep to the types, to the schema and to the order."""
    for event in events:
        EVENT.validate_python(event, strict=True)
        assert deviations(event) == []
    check_grammar(events)
    return events


def kinds(events: list[Json]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def both(speech: str, content: list[Json], **asked: Any) -> list[Json]:
    """The output for an answer, which is the same whole and streamed but for the ids of calls."""
    makers: Any = {
        "messages": (message, message_stream),
        "gemini": (candidate, candidate_stream),
        "converse": (converse, converse_stream),
    }
    make, make_stream = makers[speech]
    output: list[Json] = whole(speech, make(content), **asked)["output"]
    last = streamed(speech, make_stream(content), **asked)[-1]["response"]["output"]
    assert [without_ids(item) for item in last] == [without_ids(item) for item in output]
    return output


def without_ids(item: Json) -> Json:
    """An item without what a provider's stream has made up anew, or spaced in another way."""
    made_up = {"id", "call_id", "encrypted_content"}
    kept = {name: value for name, value in item.items() if name not in made_up}
    if "arguments" in kept:
        kept["arguments"] = msgspec.json.decode(kept["arguments"])
    return kept


# Answers of Anthropic.


def text(said: str, *citations: Json) -> Json:
    return {"type": "text", "text": said} | ({"citations": [*citations]} if citations else {})


def tool_use(name: str, **given: Any) -> Json:
    return {"type": "tool_use", "id": "toolu_1", "name": name, "input": given}


def message(content: list[Json], reason: str | None = None) -> Json:
    called = any(block["type"] == "tool_use" for block in content)
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": CLAUDE,
        "content": content,
        "stop_reason": reason or ("tool_use" if called else "end_turn"),
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 5},
    }


def message_stream(content: list[Json], reason: str | None = None) -> list[bytes]:
    answer = message(content, reason)
    events: list[Json] = [{"type": "message_start", "message": {**answer, "content": []}}]
    for index, block in enumerate(content):
        deltas, begun = deltas_of(block)
        events.append({"type": "content_block_start", "index": index, "content_block": begun})
        events += [
            {"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas
        ]
        events.append({"type": "content_block_stop", "index": index})
    stop = {"stop_reason": answer["stop_reason"], "stop_sequence": None}
    events.append({"type": "message_delta", "delta": stop, "usage": {"output_tokens": 5}})
    events.append({"type": "message_stop"})
    return [sse(event, event["type"]) for event in events]


def deltas_of(block: Json) -> tuple[list[Json], Json]:
    """The pieces of a block, and what it begins with."""
    match block["type"]:
        case "text":
            deltas = [
                {"type": "citations_delta", "citation": c} for c in block.get("citations", ())
            ]
            deltas += [{"type": "text_delta", "text": piece} for piece in halves(block["text"])]
            return deltas, {"type": "text", "text": ""}
        case "thinking":
            signed = {"type": "signature_delta", "signature": block["signature"]}
            thought = {"type": "thinking_delta", "thinking": block["thinking"]}
            return [thought, signed], {"type": "thinking", "thinking": "", "signature": ""}
        case "tool_use" | "server_tool_use":
            written = msgspec.json.encode(block["input"]).decode()
            pieces = halves(written)
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
            return deltas, {**block, "input": {}}
    return [], block


def halves(said: str) -> list[str]:
    middle = len(said) // 2
    return [piece for piece in (said[:middle], said[middle:]) if piece]


# Answers of Google.


def candidate(parts: list[Json], reason: str = "STOP") -> Json:
    found = {"content": {"role": "model", "parts": parts}, "finishReason": reason, "index": 0}
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 5, "totalTokenCount": 14}
    return {
        "candidates": [found],
        "usageMetadata": usage,
        "modelVersion": GEMINI,
        "responseId": "r1",
    }


def candidate_stream(parts: list[Json], reason: str = "STOP") -> list[bytes]:
    last = candidate([], reason)
    pieces = [
        {**last, "candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}]}
        for part in parts
    ]
    return [sse(piece) for piece in [*pieces, last]]


def calling(name: str, **given: Any) -> Json:
    return {"functionCall": {"name": name, "args": given}}


# Answers of Bedrock.


def using(name: str, **given: Any) -> Json:
    return {"toolUse": {"toolUseId": "tooluse_1", "name": name, "input": given}}


def converse(content: list[Json]) -> Json:
    called = any("toolUse" in block for block in content)
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "tool_use" if called else "end_turn",
        "usage": {"inputTokens": 9, "outputTokens": 5, "totalTokens": 14},
        "metrics": {"latencyMs": 7},
    }


def converse_stream(content: list[Json]) -> list[bytes]:
    return [frame(name, payload) for name, payload in converse_events(converse(content))]


def call_of(speech: str, name: str, **given: Any) -> list[Json]:
    """An answer that calls a tool."""
    makers: Any = {"messages": tool_use, "gemini": calling, "converse": using}
    return [makers[speech](name, **given)]


def tools_in(speech: str, asked: Json) -> dict[str, Json]:
    """The functions that a provider is told of, by name: description and parameters."""
    match speech:
        case "messages":
            tools = asked["tools"]
            return {t["name"]: {**t, "parameters": t.get("input_schema")} for t in tools}
        case "gemini":
            (declared,) = asked["tools"]
            return {
                t["name"]: {**t, "parameters": t.get("parametersJsonSchema")}
                for t in declared["functionDeclarations"]
            }
    specs = [tool["toolSpec"] for tool in asked["toolConfig"]["tools"]]
    return {spec["name"]: {**spec, "parameters": spec["inputSchema"]["json"]} for spec in specs}
