"""A strict OpenAI that speaks Responses and keeps them: what goes on from what, and for whom.

Shapes are those of the official SDK. The rules are those that a router could break: a chain leads
to a response that is kept here, what is encrypted was encrypted here, every call has its result.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from openai.types import responses as types
from pydantic import ValidationError

from contract.services.openai.rules import NAME
from contract.services.openai.shapes import refusal_of, shape
from contract.services.openai.typed import as_typed, function_of
from contract.services.stand_in import Body, Refusal, StandIn, Turn, sse

KEY = "sk-openai-responses-0123456789"
MODEL = "gpt-5.1"
CREATE = shape(types.response_create_params.ResponseCreateParamsNonStreaming)
STREAMED = shape(types.response_create_params.ResponseCreateParamsStreaming)
ENCRYPTED = "gAAAAA-openai-"
NAMED = frozenset({"function", "custom", "function_call", "custom_tool_call"})


@dataclass
class ResponsesService(StandIn):
    """Listens at `base_url`, with `KEY`."""

    uncut = 5
    kept: dict[str, Body] = field(default_factory=dict)
    inputs: dict[str, list[Body]] = field(default_factory=dict)
    """Response to all of its context."""

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def error_event(self) -> bytes:
        error = {"type": "server_error", "code": None, "message": "Sorry.", "param": None}
        return sse({"type": "error", "sequence_number": self.uncut, "error": error}, "error")

    async def answer(self, request: web.Request, body: Body, data: bytes) -> web.StreamResponse:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise refused(401, "Incorrect API key provided.", code="invalid_api_key")
        parts = request.path.removeprefix("/v1/responses").strip("/").split("/")
        match request.method, parts:
            case "POST", [""]:
                return await self._create(request, body)
            case "POST", ["compact"]:
                return web.json_response(self._compact(body))
            case "POST", ["input_tokens"]:
                return web.json_response({"object": "response.input_tokens", "input_tokens": 42})
            case "POST", [id_, "cancel"]:
                response = self._find(id_)
                if not response["background"]:
                    raise refused(400, "Cannot cancel a synchronous response.")
                response["status"] = "cancelled"
                return web.json_response(response)
            case "GET", [id_, "input_items"]:
                return web.json_response(self._items(id_, request.query))
            case "GET", [id_] if request.query.get("stream") == "true":
                after = int(request.query.get("starting_after", -1))
                events = list(events_of(self._find(id_)))
                return await self.stream(request, events[after + 1 :])
            case "GET", [id_]:
                return web.json_response(self._find(id_))
            case "DELETE", [id_]:
                self._find(id_)
                del self.kept[id_]
                return web.json_response({"id": id_, "object": "response", "deleted": True})
        raise refused(404, f"Invalid URL ({request.method} {request.path})")

    async def _create(self, request: web.Request, body: Body) -> web.StreamResponse:
        check_body(body)
        response = self.respond(body, self.context_of(body))
        if body.get("background"):
            return web.json_response({**response, "status": "queued", "output": []})
        if body.get("stream"):
            return await self.stream(request, events_of(response))
        return web.json_response(response)

    def respond(self, body: Body, context: list[Body]) -> Body:
        """A response, kept if it may be."""
        check_items(context)
        response = response_of(body, self.next_turn())
        if body.get("store") is not False:
            self.kept[response["id"]] = response
            self.inputs[response["id"]] = [*context, *response["output"]]
        return response

    def context_of(self, body: Body) -> list[Body]:
        """What a request goes on from, and its own input."""
        previous = body.get("previous_response_id")
        if previous is None:
            return input_of(body)
        if previous not in self.inputs:
            raise previous_not_found(previous)
        return [*self.inputs[previous], *input_of(body)]

    def _find(self, id_: str) -> Body:
        if id_ not in self.kept:
            raise refused(404, f"Response with id '{id_}' not found.")
        return self.kept[id_]

    def _items(self, id_: str, query: Any) -> Body:
        self._find(id_)
        items = [
            {"id": f"msg_{n}", "type": "message", "status": "completed", **item}
            for n, item in enumerate(self.inputs[id_][:-1])
        ]
        data = items[: int(query.get("limit", 20))]
        return {
            "object": "list",
            "data": data,
            "first_id": data[0]["id"],
            "last_id": data[-1]["id"],
            "has_more": len(items) > len(data),
        }

    def _compact(self, body: Body) -> Body:
        context = self.context_of(body)
        check_items(context)
        users = [item for item in context if item.get("role") == "user"]
        said = [said_again(item, f"msg_{number}") for number, item in enumerate(users)]
        item = {
            "type": "compaction",
            "id": "cmp_1",
            "encrypted_content": f"{ENCRYPTED}{secrets.token_hex(8)}",
        }
        return {
            "id": f"resp_{secrets.token_hex(8)}",
            "object": "response.compaction",
            "created_at": 1,
            "output": [*said, item],
            "usage": USAGE,
        }


def said_again(item: Body, id_: str) -> Body:
    """A user's message as a compaction repeats it."""
    content = item["content"]
    parts = [{"type": "input_text", "text": content}] if isinstance(content, str) else content
    known = {"type": "message", "id": id_, "status": "completed"}
    return {**known, **item, "content": parts}


USAGE: Body = {
    "input_tokens": 20,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 9,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 29,
}


def refused(
    status: int, message: str, *, code: str | None = None, param: str | None = None
) -> Refusal:
    """An error as OpenAI writes it."""
    error = {
        "message": message,
        "type": "invalid_request_error",
        "code": code,
        "param": param,
    }
    return Refusal(status, {"error": error})


def previous_not_found(id_: str) -> Refusal:
    return refused(
        400,
        f"Previous response with id '{id_}' not found.",
        code="previous_response_not_found",
        param="previous_response_id",
    )


def check_body(body: Body) -> None:
    """Raises `Refusal` for what no request may look like."""
    try:
        (STREAMED if body.get("stream") else CREATE).validate_python(as_typed(body))
    except ValidationError as error:
        found = refusal_of(error, body)
        raise refused(400, found.message, code=found.code, param=found.param) from None
    if body["model"] != MODEL:
        raise refused(400, "No such model.", code="model_not_found", param="model")
    check_names(body)
    check_ids(body)


def check_names(body: Body) -> None:
    """Raises `Refusal` for a tool, or a call of one, by a name that the service does not take."""
    for place in ("tools", "input"):
        for number, thing in enumerate(body.get(place) or ()):
            named = [thing, *thing.get("tools", ())] if isinstance(thing, dict) else []
            for each in named:
                if each.get("type") in NAMED and not NAME.fullmatch(each["name"]):
                    what = (
                        f"Invalid '{place}[{number}].name': string does not match pattern. Expected"
                        " a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
                    )
                    raise refused(400, what, code="invalid_value", param=f"{place}[{number}].name")


def check_ids(body: Body) -> None:
    """Raises `Refusal` for an id that is too long."""
    for number, item in enumerate(input_of(body)):
        for name in ("id", "call_id"):
            size = len(item.get(name) or "")
            if size > 64:
                where = f"input[{number}].{name}"
                what = (
                    f"Invalid '{where}': string too long. Expected a string with maximum length 64,"
                    f" but got a string with length {size} instead."
                )
                raise refused(400, what, code="string_above_max_length", param=where)


def input_of(body: Body) -> list[Body]:
    """The input as items."""
    given = body.get("input") or []
    return [{"role": "user", "content": given}] if isinstance(given, str) else list(given)


def check_items(items: list[Body]) -> None:
    """Raises `Refusal` for what the service checks over all of a context."""
    calls: list[str] = []  # a provider that gives two calls one id wants two results with it
    for number, item in enumerate(items):
        where = f"input[{number}]"
        content = item.get("encrypted_content")
        if content is not None and not content.startswith(ENCRYPTED):
            raise refused(
                400,
                "The encrypted content could not be verified.",
                code="invalid_encrypted_content",
                param=where,
            )
        kind = item.get("type", "message")
        if kind == "function_call":
            calls.append(item["call_id"])
        elif kind == "function_call_output":
            if item["call_id"] not in calls:
                what = f"No tool call found for function call output {item['call_id']}."
                raise refused(400, what, param="input")
            calls.remove(item["call_id"])
    if calls:
        what = f"No tool output found for function call {calls.pop()}."
        raise refused(400, what, param="input")


def response_of(body: Body, turn: Turn) -> Body:
    """A whole response."""
    id_ = f"resp_{secrets.token_hex(24)}"
    return {
        "id": id_,
        "object": "response",
        "created_at": 1,
        "completed_at": 2,
        "status": "completed",
        "background": bool(body.get("background")),
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": body["model"],
        "output": list(output_of(body, turn)),
        "max_tool_calls": body.get("max_tool_calls"),
        "parallel_tool_calls": True,
        "presence_penalty": 0,
        "frequency_penalty": 0,
        "prompt_cache_key": body.get("prompt_cache_key"),
        "safety_identifier": body.get("safety_identifier"),
        "service_tier": "default",
        "top_logprobs": 0,
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None, **(body.get("reasoning") or {})},
        "store": body.get("store") is not False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [function_of(tool) for tool in body.get("tools") or []],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": USAGE,
        "metadata": body.get("metadata") or {},
    }


def output_of(body: Body, turn: Turn) -> Iterator[Body]:
    """The items of an answer; a last `compaction_trigger` gets just one."""
    seed = secrets.token_hex(8)
    given = body.get("input")
    if isinstance(given, list) and given[-1].get("type") == "compaction_trigger":
        content = f"{ENCRYPTED}{seed}"
        yield {"id": f"cmp_{seed}", "type": "compaction", "encrypted_content": content}
        return
    if turn.thinking is not None:
        included = "reasoning.encrypted_content" in (body.get("include") or ())
        yield {
            "id": f"rs_{seed}",
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": turn.thinking}],
            **({"encrypted_content": f"{ENCRYPTED}{seed}"} if included else {}),
        }
    if turn.text is not None or not turn.calls:
        text = {"type": "output_text", "text": turn.text or "Well.", "annotations": []}
        yield {
            "id": f"msg_{seed}",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [{**text, "logprobs": []}],
        }
    for number, call in enumerate(turn.calls):
        yield {
            "id": f"fc_{seed}{number}",
            "type": "function_call",
            "status": "completed",
            "call_id": call.id or f"call_{seed}{number}",
            "name": call.name,
            "arguments": "" if call.silent else json.dumps(call.arguments),
        }


def events_of(response: Body) -> list[bytes]:
    """A response as a stream, as recorded ones go."""
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    events: list[Body] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    for index, item in enumerate(response["output"]):
        place = {"output_index": index}
        empty = {**item}
        inner: list[Body] = []
        where = {**place, "item_id": item["id"]}
        if item["type"] == "message":
            empty |= {"status": "in_progress", "content": []}
            (part,) = item["content"]
            spot = {**where, "content_index": 0}
            inner = [
                {"type": "response.content_part.added", **spot, "part": {**part, "text": ""}},
                *(
                    {"type": "response.output_text.delta", **spot, "delta": each, "logprobs": []}
                    for each in pieces(part["text"])
                ),
                {
                    "type": "response.output_text.done",
                    **spot,
                    "text": part["text"],
                    "logprobs": [],
                },
                {"type": "response.content_part.done", **spot, "part": part},
            ]
        elif item["type"] == "function_call":
            empty |= {"status": "in_progress", "arguments": ""}
            name = "response.function_call_arguments"
            inner = [
                {"type": f"{name}.delta", **where, "delta": item["arguments"]},
                {"type": f"{name}.done", **where, "arguments": item["arguments"]},
            ]
        events += [
            {"type": "response.output_item.added", **place, "item": empty},
            *inner,
            {"type": "response.output_item.done", **place, "item": item},
        ]
    events.append({"type": "response.completed", "response": response})
    return [sse(each | {"sequence_number": n}, each["type"]) for n, each in enumerate(events)]


def pieces(text: str) -> list[str]:
    """A text in several deltas."""
    return [text[at : at + 5] for at in range(0, len(text), 5)]
