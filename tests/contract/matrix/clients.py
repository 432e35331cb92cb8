"""The official SDKs as clients, and what they hear in words that both share."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, field
from typing import Any, Protocol

import anthropic
import openai

from contract.services.stand_in import Body
from support.sdks import anthropic_sdk, openai_sdk


@dataclass
class Heard:
    """An answer, as far as both dialects have it."""

    text: str = ""
    thinking: str = ""
    calls: list[tuple[str, str, Body]] = field(default_factory=list)
    """Id, name, arguments."""
    stop: str = ""
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    citations: int = 0
    images: int = 0
    choices: int = 1
    logprobs: bool = False
    assistant: Body = field(default_factory=dict)
    """The message to send back in the next turn."""


class Client(Protocol):
    """One SDK."""

    name: str

    async def ask(self, model: str, body: Body, *, streamed: bool) -> Heard: ...

    async def close(self) -> None: ...

    def reply(self, heard: Heard, results: list[str], user: str | None) -> list[Body]:
        """The next messages: what was said, a result for each call, and what the user says."""
        ...


class ChatClient:
    """The OpenAI SDK at `/v1/chat/completions`."""

    name = "chat"

    def __init__(self, url: str) -> None:
        self.sdk = openai_sdk(f"{url}/v1")

    async def close(self) -> None:
        await self.sdk.close()

    async def ask(self, model: str, body: Body, *, streamed: bool) -> Heard:
        completions: Any = self.sdk.chat.completions
        if not streamed:
            return heard_chat(await completions.create(model=model, **body))
        options = {"stream": True, "stream_options": {"include_usage": True}}
        stream = await completions.create(model=model, **options, **body)
        return heard_chat(put_together([chunk async for chunk in stream]))

    def reply(self, heard: Heard, results: list[str], user: str | None) -> list[Body]:
        tools = [
            {"role": "tool", "tool_call_id": id_, "content": result}
            for (id_, _, _), result in zip(heard.calls, results, strict=True)
        ]
        said = [{"role": "user", "content": user}] if user else []
        return [heard.assistant, *tools, *said]


def put_together(chunks: list[Any]) -> Any:
    """The completion that a stream is; its own helper raises for all but good ends."""
    message: Body = {"role": "assistant", "content": "", "tool_calls": []}
    found: Body = {"index": 0, "message": message, "finish_reason": "", "logprobs": None}
    seen = set()
    for choice in [choice for chunk in chunks for choice in chunk.choices]:
        seen.add(choice.index)
        if choice.index == 0:
            add_delta(message, choice.delta)
            found["finish_reason"] = choice.finish_reason or found["finish_reason"]
            found["logprobs"] = found["logprobs"] or (
                choice.logprobs and choice.logprobs.model_dump()
            )
    message["tool_calls"] = message["tool_calls"] or None
    message["content"] = message["content"] or None
    whole: Body = {"id": chunks[0].id, "object": "chat.completion", "created": 0, "model": "m"}
    others = [{**found, "index": index} for index in seen if index]
    annotations = message.pop("annotations", [])
    completion = openai.types.chat.ChatCompletion.model_validate(
        {**whole, "choices": [found, *others], "usage": chunks[-1].usage}
    )
    completion.choices[0].message.annotations = annotations
    return completion


def add_delta(message: Body, delta: Any) -> None:
    """One chunk more."""
    extra = delta.model_extra or {}
    message["content"] += delta.content or ""
    for name in ("annotations", "images"):
        message[name] = message.get(name, []) + list(extra.get(name) or ())
    thought = extra.get("reasoning_content") or ""
    message["reasoning_content"] = message.get("reasoning_content", "") + thought
    for call in delta.tool_calls or ():
        calls = message["tool_calls"]
        custom = (call.model_extra or {}).get("custom")
        if call.id and custom:
            begun = {"name": custom["name"], "input": ""}
            calls.append({"id": call.id, "type": "custom", "custom": begun})
        elif call.id:
            function = {"name": call.function.name, "arguments": ""}
            calls.append({"id": call.id, "type": "function", "function": function})
        if custom:
            calls[call.index]["custom"]["input"] += custom.get("input") or ""
        else:
            calls[call.index]["function"]["arguments"] += call.function.arguments or ""


def heard_chat(completion: Any) -> Heard:
    """What a completion says."""
    choice = completion.choices[0]
    message, usage = choice.message, completion.usage
    calls = [
        (call.id, call.custom.name, {"input": call.custom.input})
        if call.type == "custom"
        else (call.id, call.function.name, json.loads(call.function.arguments))
        for call in message.tool_calls or ()
    ]
    assistant: Body = {"role": "assistant", "content": message.content}
    if message.tool_calls:
        assistant["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function.name, "arguments": call.function.arguments},
            }
            for call in message.tool_calls
            if call.type == "function"
        ]
    extra = message.model_extra or {}
    return Heard(
        text=message.content or "",
        thinking=extra.get("reasoning_content") or "",
        calls=calls,
        stop=choice.finish_reason,
        input_tokens=usage.prompt_tokens,
        cached_tokens=usage.prompt_tokens_details.cached_tokens,
        output_tokens=usage.completion_tokens,
        reasoning_tokens=usage.completion_tokens_details.reasoning_tokens,
        citations=len(message.annotations or ()),
        images=len(extra.get("images") or ()),
        choices=len(completion.choices),
        logprobs=choice.logprobs is not None,
        assistant=assistant,
    )


class MessagesClient:
    """The Anthropic SDK at `/v1/messages`."""

    name = "messages"

    def __init__(self, url: str) -> None:
        self.sdk = anthropic_sdk(url)

    async def close(self) -> None:
        await self.sdk.close()

    async def ask(self, model: str, body: Body, *, streamed: bool) -> Heard:
        headers = {"anthropic-version": "2023-06-01"}
        given: Body = {"model": model, "max_tokens": 4_000, **body}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            if not streamed:
                message: Any = await self.sdk.post(
                    "/v1/messages",
                    body=given,
                    cast_to=anthropic.types.Message,
                    options={"headers": headers},
                )
                return heard_message(message)
            extra = {"extra_body": {n: v for n, v in given.items() if n in SAMPLING}}
            plain: Any = {n: v for n, v in given.items() if n not in SAMPLING}
            messages: Any = self.sdk.messages
            async with messages.stream(**plain, **extra, extra_headers=headers) as stream:
                return heard_message(await stream.get_final_message())

    def reply(self, heard: Heard, results: list[str], user: str | None) -> list[Body]:
        content: list[Body] = [
            {"type": "tool_result", "tool_use_id": id_, "content": result}
            for (id_, _, _), result in zip(heard.calls, results, strict=True)
        ]
        if user:
            content.append({"type": "text", "text": user})
        return [heard.assistant, {"role": "user", "content": content}]


SAMPLING = ("temperature", "top_p", "top_k")


def heard_message(message: Any) -> Heard:
    """What a message says."""
    blocks = message.content
    usage = message.usage
    details = usage.output_tokens_details
    cached = usage.cache_read_input_tokens or 0
    texts = [block for block in blocks if block.type == "text"]
    content = [block.model_dump(exclude_none=True) for block in blocks]
    return Heard(
        text="".join(block.text for block in texts),
        thinking="".join(block.thinking for block in blocks if block.type == "thinking"),
        calls=[(block.id, block.name, block.input) for block in blocks if block.type == "tool_use"],
        stop=message.stop_reason,
        input_tokens=usage.input_tokens + cached + (usage.cache_creation_input_tokens or 0),
        cached_tokens=cached,
        output_tokens=usage.output_tokens,
        reasoning_tokens=details.thinking_tokens if details else 0,
        citations=sum(len(block.citations or ()) for block in texts),
        images=sum("data:image/" in block.text for block in texts),
        assistant={"role": "assistant", "content": content},
    )


class ResponsesClient:
    """The OpenAI SDK at `/v1/responses`."""

    name = "responses"

    def __init__(self, url: str) -> None:
        self.sdk = openai_sdk(f"{url}/v1")

    async def close(self) -> None:
        await self.sdk.close()

    async def ask(self, model: str, body: Body, *, streamed: bool) -> Heard:
        responses: Any = self.sdk.responses
        if not streamed:
            return heard_response(await responses.create(model=model, store=False, **body))
        stream = await responses.create(model=model, store=False, stream=True, **body)
        events = [event async for event in stream]
        check_order(events)
        return heard_response(events[-1].response)

    def reply(self, heard: Heard, results: list[str], user: str | None) -> list[Body]:
        outputs = [
            {"type": "function_call_output", "call_id": id_, "output": result}
            for (id_, _, _), result in zip(heard.calls, results, strict=True)
        ]
        said = [{"role": "user", "content": user}] if user else []
        return [*heard.assistant["items"], *outputs, *said]


def check_order(events: list[Any]) -> None:
    """What every stream of Responses keeps to, as recorded ones do."""
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] in {"response.completed", "response.incomplete"}
    items: list[str] = []
    opened: str | None = None
    texts: dict[str, str] = {}
    for event in events[2:-1]:
        if event.type == "response.output_item.added":
            assert opened is None
            opened = event.item.id
            assert event.output_index == len(items)
            items.append(event.item.id)
        elif event.type == "response.output_item.done":
            assert event.item.id == opened
            opened = None
        else:
            assert event.item_id == opened
        if event.type.endswith(".delta"):
            texts[opened or ""] = texts.get(opened or "", "") + event.delta
    assert opened is None
    final = events[-1].response
    assert [item.id for item in final.output] == items
    for item in final.output:
        if item.type == "function_call":
            assert texts[item.id] == item.arguments


def heard_response(response: Any) -> Heard:
    """What a response says."""
    messages = [item for item in response.output if item.type == "message"]
    parts = [part for item in messages for part in item.content]
    texts = [part for part in parts if part.type == "output_text"]
    calls = [
        (item.call_id, item.name, json.loads(item.arguments))
        if item.type == "function_call"
        else (item.call_id, item.name, {"input": item.input})
        for item in response.output
        if item.type in {"function_call", "custom_tool_call"}
    ]
    thoughts = [item for item in response.output if item.type == "reasoning"]
    ends = {"max_output_tokens": "length", "content_filter": "content_filter"}
    details = response.incomplete_details
    usage = response.usage
    return Heard(
        text="".join(part.text for part in texts),
        thinking="".join(part.text for item in thoughts for part in item.summary),
        calls=calls,
        stop=ends[details.reason] if details else "tool_calls" if calls else "stop",
        input_tokens=usage.input_tokens,
        cached_tokens=usage.input_tokens_details.cached_tokens,
        output_tokens=usage.output_tokens,
        reasoning_tokens=usage.output_tokens_details.reasoning_tokens,
        citations=sum(len(part.annotations) for part in texts),
        logprobs=any(part.logprobs for part in texts),
        assistant={"items": [item.model_dump(exclude_none=True) for item in response.output]},
    )
