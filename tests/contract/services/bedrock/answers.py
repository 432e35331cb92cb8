"""What the strict Bedrock answers, whole and as a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from contract.services.stand_in import Body, Turn
from support.claude_signatures import claude_signature

STOPS = {
    "end": "end_turn",
    "length": "max_tokens",
    "stop_sequence": "stop_sequence",
    "refusal": "content_filtered",
    "content_filter": "guardrail_intervened",
    "fault": "malformed_tool_use",
}
CITATION = {
    "title": "Colours",
    "sourceContent": [{"text": "The grass is green."}],
    "location": {"documentChar": {"documentIndex": 0, "start": 0, "end": 19}},
}


@dataclass
class Said(Turn):
    """A turn in Bedrock's own words, where the words of all services do not reach."""

    blocks: tuple[Body, ...] | None = None
    """All that is said, as it is sent: reasoning that nobody signed, an empty text."""
    stop_reason: str | None = None


EMPTY_TEXT_FIRST = ({"text": ""}, {"reasoningContent": {"reasoningText": {"text": "Hm."}}})
"""How gpt-oss begins: a text without words in block 0, then its reasoning."""


class Signatures:
    """What this service has signed."""

    def __init__(self) -> None:
        self._issued: dict[str, str] = {}

    def issue(self, text: str) -> str:
        value = claude_signature(f"bedrock-{len(self._issued):04d}")
        self._issued[value] = text
        return value

    def holds(self, value: str, text: str) -> bool:
        return self._issued.get(value) == text


def content_of(turn: Turn, body: Body, signatures: Signatures) -> list[Body]:
    """The blocks of an answer."""
    if isinstance(turn, Said) and turn.blocks is not None:
        return list(turn.blocks)
    blocks: list[Body] = []
    if turn.redacted:
        blocks.append({"reasoningContent": {"redactedContent": signatures.issue("(redacted)")}})
    if turn.thinking is not None:
        signature = signatures.issue(turn.thinking)
        text = {"text": turn.thinking, "signature": signature}
        blocks.append({"reasoningContent": {"reasoningText": text}})
    said = turn.text if turn.text is not None or turn.calls else echo(body)
    if said and turn.cited:
        blocks.append({"citationsContent": {"content": [{"text": said}], "citations": [CITATION]}})
    elif said:
        blocks.append({"text": said})
    if turn.image is not None:
        blocks.append({"image": {"format": "png", "source": {"bytes": turn.image}}})
    for number, call in enumerate(turn.calls):
        use = {"toolUseId": f"tooluse_{number}.a", "name": call.name, "input": call.arguments}
        blocks.append({"toolUse": use})
    return blocks


def echo(body: Body) -> str:
    """What the user said last."""
    for message in reversed(body["messages"]):
        texts = [block["text"] for block in message["content"] if "text" in block]
        if message["role"] == "user" and texts:
            return " ".join(texts)
    return "Well."


def whole(turn: Turn, body: Body, model: str, signatures: Signatures) -> Body:
    """A response."""
    stop = stop_of(turn)
    fresh = turn.input_tokens - turn.cached_tokens - turn.written_tokens
    usage = {
        "inputTokens": fresh,
        "outputTokens": turn.output_tokens,
        "totalTokens": turn.input_tokens + turn.output_tokens,
        "cacheReadInputTokens": turn.cached_tokens,
        "cacheWriteInputTokens": turn.written_tokens,
    }
    message = {"role": "assistant", "content": content_of(turn, body, signatures)}
    return {
        "output": {"message": message},
        "stopReason": stop,
        "usage": usage,
        "metrics": {"latencyMs": 7},
    }


def stop_of(turn: Turn) -> str:
    if isinstance(turn, Said) and turn.stop_reason is not None:
        return turn.stop_reason
    return "tool_use" if turn.stop == "end" and turn.calls else STOPS[turn.stop]


def events(response: Body) -> Iterator[tuple[str, Body]]:
    """The same as a stream: text and reasoning are not announced, the cost comes last."""
    yield "messageStart", {"role": "assistant"}
    for index, block in enumerate(response["output"]["message"]["content"]):
        where = {"contentBlockIndex": index}
        if "toolUse" in block:
            use = block["toolUse"]
            start = {"toolUse": {"toolUseId": use["toolUseId"], "name": use["name"]}}
            yield "contentBlockStart", {"start": start, **where}
        if "image" in block:
            format_of = {"image": {"format": block["image"]["format"]}}
            yield "contentBlockStart", {"start": format_of, **where}
        for delta in deltas(block):
            yield "contentBlockDelta", {"delta": delta, **where}
        yield "contentBlockStop", where
    yield "messageStop", {"stopReason": response["stopReason"]}
    yield "metadata", {"usage": response["usage"], "metrics": response["metrics"]}


def deltas(block: Body) -> Iterator[Body]:
    """The pieces of a block."""
    if "text" in block:
        yield from ({"text": piece} for piece in halves(block["text"]) or [""])
    elif "image" in block:
        yield {"image": {"source": block["image"]["source"]}}
    elif "citationsContent" in block:
        content = block["citationsContent"]
        yield from ({"text": piece["text"]} for piece in content["content"])
        yield from ({"citation": citation} for citation in content["citations"])
    elif "toolUse" in block:
        for piece in halves(json.dumps(block["toolUse"]["input"])):
            yield {"toolUse": {"input": piece}}
    elif "reasoningContent" in block:
        content = block["reasoningContent"]
        if "redactedContent" in content:
            yield {"reasoningContent": content}
            return
        for piece in halves(content["reasoningText"]["text"]):
            yield {"reasoningContent": {"text": piece}}
        if "signature" in content["reasoningText"]:
            yield {"reasoningContent": {"signature": content["reasoningText"]["signature"]}}


def halves(text: str) -> list[str]:
    """A text in two pieces."""
    middle = len(text) // 2
    return [piece for piece in (text[:middle], text[middle:]) if piece]
