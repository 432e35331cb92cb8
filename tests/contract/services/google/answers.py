"""What the strict Gemini answers, whole and as a stream."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from contract.services.stand_in import Body, Turn, merged

REASONS = {
    "end": "STOP",
    "length": "MAX_TOKENS",
    "stop_sequence": "STOP",
    "refusal": "SAFETY",
    "content_filter": "SAFETY",
    "fault": "MALFORMED_FUNCTION_CALL",
}
SOURCE = {"web": {"uri": "https://grass.example/green", "title": "Grass"}}


def parts_of(turn: Turn, body: Body, model: str, signatures: set[tuple[str, str]]) -> list[Body]:
    """The parts of an answer, signed as the real models do it."""
    parts: list[Body] = []
    if turn.thinking is not None:
        parts.append({"text": turn.thinking, "thought": True})
    signed = turn.thinking is not None or model.startswith("gemini-3")
    text = turn.text if turn.text is not None or turn.calls else echo(body)
    if turn.stop in {"refusal", "content_filter", "fault"} and turn.text is None:
        return []
    if text:
        parts.append({"text": text})
    for number, call in enumerate(turn.calls):
        part: Body = {"functionCall": {"name": call.name, "args": call.arguments}}
        if number == 0 and signed:
            part["thoughtSignature"] = sign(model, signatures)
        parts.append(part)
    if turn.image:
        parts.append({"inlineData": {"mimeType": "image/png", "data": turn.image}})
    if signed and not turn.calls:
        parts.append({"text": "", "thoughtSignature": sign(model, signatures)})
    return parts


def sign(model: str, signatures: set[tuple[str, str]]) -> str:
    """A new signature."""
    value = base64.b64encode(f"GeminiSignature{len(signatures):04d}".encode()).decode()
    signatures.add((model, value))
    return value


def echo(body: Body) -> str:
    """What the user said last."""
    for turn in reversed(merged(body["contents"], "parts")):
        texts = [part["text"] for part in turn["parts"] if "text" in part]
        if turn["role"] == "user" and texts:
            return " ".join(texts)
    return "Well."


def usage_of(turn: Turn) -> Body:
    """Thoughts are counted apart."""
    answer = turn.output_tokens - turn.thinking_tokens
    usage = {
        "promptTokenCount": turn.input_tokens,
        "candidatesTokenCount": answer,
        "totalTokenCount": turn.input_tokens + turn.output_tokens,
    }
    if turn.cached_tokens:
        usage["cachedContentTokenCount"] = turn.cached_tokens
    if turn.thinking_tokens:
        usage["thoughtsTokenCount"] = turn.thinking_tokens
    return usage


def candidate_of(turn: Turn, parts: list[Body], index: int) -> Body:
    """One candidate."""
    candidate: Body = {"finishReason": REASONS[turn.stop], "index": index}
    if parts:
        candidate["content"] = {"role": "model", "parts": parts}
    if turn.cited and turn.text is not None:
        segment = {"startIndex": 0, "endIndex": len(turn.text.encode()), "text": turn.text}
        support = {"segment": segment, "groundingChunkIndices": [0]}
        candidate["groundingMetadata"] = {
            "groundingChunks": [SOURCE],
            "groundingSupports": [support],
        }
    return candidate


def logprobs(body: Body, text: str) -> Body | None:
    """As far as they were asked for."""
    if not (body.get("generationConfig") or {}).get("responseLogprobs"):
        return None
    token = {"token": text, "tokenId": 1, "logProbability": -0.25}
    return {"chosenCandidates": [token], "topCandidates": [{"candidates": [token]}]}


def whole(turn: Turn, body: Body, model: str, signatures: set[tuple[str, str]]) -> Body:
    """A response."""
    count = (body.get("generationConfig") or {}).get("candidateCount", 1)
    candidates = [
        candidate_of(turn, parts_of(turn, body, model, signatures), index) for index in range(count)
    ]
    found = logprobs(body, turn.text or "")
    for candidate in candidates:
        if found:
            candidate["logprobsResult"] = found
    return {
        "candidates": candidates,
        "usageMetadata": usage_of(turn),
        "modelVersion": model,
        "responseId": f"resp{len(signatures)}",
    }


def events(turn: Turn, body: Body, model: str, signatures: set[tuple[str, str]]) -> Iterator[Body]:
    """The same as a stream: text in pieces, all else whole, the reason to stop at the end."""
    response = whole(turn, body, model, signatures)
    for candidate in response["candidates"]:
        parts = candidate.pop("content", {"parts": []})["parts"]
        for part in [piece for whole_part in parts for piece in pieces(whole_part)]:
            content = {"role": "model", "parts": [part]}
            yield {**response, "candidates": [{"index": candidate["index"], "content": content}]}
        yield {**response, "candidates": [candidate]}


def pieces(part: Body) -> list[Body]:
    """A long text in two."""
    text = part.get("text", "")
    if len(text) < 2 or "thoughtSignature" in part:
        return [part]
    middle = len(text) // 2
    return [{**part, "text": text[:middle]}, {**part, "text": text[middle:]}]
