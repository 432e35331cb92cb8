"""A client whose answer is made of several streams, without a router between."""

from __future__ import annotations

import json
from typing import Any

from airouter.config.snapshot import Parameters
from airouter.dialects import chat, messages
from airouter.dialects.assembly import Assembly
from airouter.dialects.chat.upstream import COMPATIBLE, OPENAI
from airouter.dialects.client_request import Edits, parse_client_request
from airouter.dialects.conversation import Destination, Reasoning, Text, ToolCall
from airouter.dialects.converse.upstream import CONVERSE
from airouter.dialects.gemini.upstream import GEMINI
from airouter.dialects.joining.joined_answer import JoinedAnswer
from airouter.dialects.messages.upstream import MESSAGES
from airouter.dialects.translation.base import StreamFilter, Translation
from airouter.dialects.translation.choice import translation_for
from airouter.dialects.translation.client_apis import ServedModel
from airouter.failures import ended_early
from airouter.interfaces import BrokenReply, UpstreamError
from support.goers_on import SAID, STREAMS, Script, rest_of

EDITS = Edits(Parameters())
APIS = {
    "openai": OPENAI,
    "compatible": COMPATIBLE,
    "messages": MESSAGES,
    "converse": CONVERSE,
    "gemini": GEMINI,
}
PREFILLED = {"messages": "claude-sonnet-4-5", "converse": "anthropic.claude-sonnet-4-5-v1:0"}
QUESTION = {"role": "user", "content": "Hi"}
TOOL: dict[str, Any] = {"name": "weather", "description": "d"}
SCHEMA = {"type": "object", "properties": {}}
TOOLS: dict[str, list[dict[str, Any]]] = {
    "chat": [{"type": "function", "function": {**TOOL, "parameters": SCHEMA}}],
    "messages": [{**TOOL, "input_schema": SCHEMA}],
    "responses": [{**TOOL, "type": "function", "parameters": SCHEMA}],
}


def asked(api: str, **fields: Any) -> bytes:
    body: dict[str, Any] = {"model": "m", "stream": True, "tools": TOOLS[api]}
    if api == "responses":
        body["input"] = [QUESTION]
    else:
        body["messages"] = [QUESTION]
    if api == "messages":
        body["max_tokens"] = 1000
    if api == "chat":
        body["stream_options"] = {"include_usage": True}
    return json.dumps(body | fields).encode()


def translation(api: str, upstream: str, model: str = "m") -> Translation:
    destination = Destination(model=model, maker=f"maker/{model}", max_output_tokens=1000)
    return translation_for(api, APIS[upstream], ServedModel("m", destination, EDITS, envelope={}))


class Client:
    """A request, what its client got, and what the providers were asked."""

    def __init__(self, api: str, **fields: Any) -> None:
        self.api = api
        self.request = parse_client_request(asked(api, **fields))
        self.request.joined = JoinedAnswer()
        self.request.answer_id = "resp_1" if api == "responses" else None
        self.got = b""
        self.bodies: list[dict[str, Any]] = []
        self.stream: StreamFilter | None = None

    @property
    def joined(self) -> JoinedAnswer:
        assert self.request.joined is not None
        return self.request.joined

    def ask(
        self, script: Script, upstream: str, model: str = "m", *, cut: int | None = None
    ) -> bool:
        """Have a provider answer, up to a byte. True where the answer is over."""
        if not self.got:
            self.request.joined = JoinedAnswer()
        way = translation(self.api, upstream, model)
        (body,) = way.encode(self.request)
        self.bodies.append(json.loads(body))
        data = STREAMS[upstream](rest_of(script, SAID[upstream](self.bodies[-1])))
        stream = self.stream = way.stream_filter(self.request, self._write)
        try:
            for at in range(0, len(data) if cut is None else cut, 64):  # any pieces
                stream.feed(data[at : min(at + 64, len(data) if cut is None else cut)])
            if cut is not None:
                raise BrokenReply("cut")
            stream.finish()
        except UpstreamError:
            if self.joined.seam.can_go_on or not self.got:
                return False
            stream.break_off(ended_early())
        return True

    def _write(self, data: bytes) -> None:
        self.got += data

    def answer(self) -> dict[str, Any]:
        """What the client makes of it."""
        return READERS[self.api](self.got)


def length(script: Script, upstream: str) -> int:
    return len(STREAMS[upstream](script))


def assembled(dialect: Any, got: bytes) -> dict[str, Any]:
    """An answer, read by the very parser that reads a provider's."""
    assembly, framing = Assembly(), dialect.framing()
    parser = dialect.stream_parser(Destination(model="m", maker="client"))
    for frame in framing.feed(got):
        for event in parser.feed(frame):
            assembly.feed(event)
    for event in parser.finish():
        assembly.feed(event)
    assert assembly.failure is None, assembly.failure.message
    answer = assembly.answer()
    (choice,) = answer.choices
    usage = answer.usage
    return {
        "id": answer.id,
        "model": answer.model,
        "stop": choice.stop,
        "text": [part.text for part in choice.parts if isinstance(part, Text)],
        "thoughts": [part.text for part in choice.parts if isinstance(part, Reasoning)],
        "calls": [
            (part.name, json.loads(part.arguments))
            for part in choice.parts
            if isinstance(part, ToolCall)
        ],
        "usage": None if usage is None else (usage.input_tokens, usage.output_tokens),
    }


def read_chat(got: bytes) -> dict[str, Any]:
    chunks = [json.loads(line[6:]) for line in got.split(b"\n") if line.startswith(b"data: {")]
    for field in ("id", "model", "created"):
        assert len({chunk[field] for chunk in chunks}) == 1
    assert got.count(b'"role":"assistant"') == 1
    return assembled(chat.UPSTREAM, got)


def read_messages(got: bytes) -> dict[str, Any]:
    events = [json.loads(line[6:]) for line in got.split(b"\n") if line.startswith(b"data: ")]
    assert [each["type"] for each in events].count("message_start") == 1
    starts = [each["index"] for each in events if each["type"] == "content_block_start"]
    stops = [each["index"] for each in events if each["type"] == "content_block_stop"]
    assert starts == stops == list(range(len(starts)))
    return assembled(messages.UPSTREAM, got)


def read_responses(got: bytes) -> dict[str, Any]:
    events = [json.loads(line[6:]) for line in got.split(b"\n") if line.startswith(b"data: ")]
    assert [each["sequence_number"] for each in events] == list(range(len(events)))
    done = [each["item"] for each in events if each["type"] == "response.output_item.done"]
    last = events[-1]
    assert last["type"] == "response.completed", last
    response = last["response"]
    assert done == response["output"]
    kinds: dict[str, list[Any]] = {"message": [], "reasoning": [], "function_call": []}
    for item in response["output"]:
        kinds[item["type"]].append(item)
    usage = response["usage"]
    return {
        "id": response["id"],
        "model": response["model"],
        "stop": "tool_calls" if kinds["function_call"] else "end",
        "text": [part["text"] for item in kinds["message"] for part in item["content"]],
        "thoughts": [part["text"] for item in kinds["reasoning"] for part in item["summary"]],
        "calls": [(i["name"], json.loads(i["arguments"])) for i in kinds["function_call"]],
        "usage": (usage["input_tokens"], usage["output_tokens"]),
    }


READERS = {"chat": read_chat, "messages": read_messages, "responses": read_responses}
