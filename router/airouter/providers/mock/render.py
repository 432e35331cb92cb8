"""An answer as OpenAI writes it: whole, in chunks, and as embeddings."""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.failures import invalid_field
from airouter.providers.mock.answers import token_count, tokens_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airouter.providers.mock.answers import Body, MockAnswer

CREATED = 1_767_225_600
"""Every answer's `created`: 2026-01-01."""
DIMENSIONS = 256
MAX_DIMENSIONS = 4_096
MAX_INPUTS = 2_048
MAX_NUMBERS = 2**19
"""In one answer: as many as the most inputs have by default, and what takes a tenth of a second."""


def identity(body: bytes, prefix: str) -> str:
    """Return an id that is the same for the same request."""
    return f"{prefix}-{hashlib.sha256(body).hexdigest()[:24]}"


def count_usage(prompt: int, answers: Sequence[MockAnswer]) -> Body:
    """Count the tokens of a chat as words; thoughts and function arguments count, too."""
    reasoning = sum(len(tokens_of(answer.reasoning)) for answer in answers)
    completion = reasoning + sum(
        len(tokens_of(answer.text or "")) + sum(len(tokens_of(a)) for _, a in answer.tool_calls)
        for answer in answers
    )
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }


def whole_chat(frame: Body, answers: list[MockAnswer], usage: Body) -> Body:
    """Return a chat completion."""
    choices = [
        {
            "index": index,
            "message": {
                "role": "assistant",
                "content": answer.text,
                "refusal": None,
                **({"reasoning_content": answer.reasoning} if answer.reasoning else {}),
                **({"tool_calls": tool_calls(answer, frame["id"])} if answer.tool_calls else {}),
            },
            "logprobs": None,
            "finish_reason": answer.finish_reason,
        }
        for index, answer in enumerate(answers)
    ]
    return {**frame, "object": "chat.completion", "choices": choices, "usage": usage}


def whole_completion(frame: Body, answers: list[MockAnswer], usage: Body) -> Body:
    """Return a legacy completion."""
    choices = [
        {"index": i, "text": a.text or "", "logprobs": None, "finish_reason": a.finish_reason}
        for i, a in enumerate(answers)
    ]
    return {**frame, "object": "text_completion", "choices": choices, "usage": usage}


def chat_chunks(frame: Body, answers: list[MockAnswer], usage: Body | None) -> Iterator[Body]:
    """Yield the chunks of a streamed chat; `usage` is given if the request asked for it."""
    shared = {**frame, "object": "chat.completion.chunk"}
    more: Body = {} if usage is None else {"usage": None}
    for index, answer in enumerate(answers):
        for delta, reason in deltas(answer, frame["id"]):
            choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}
            yield {**shared, "choices": [choice], **more}
    if usage is not None:
        yield {**shared, "choices": [], "usage": usage}


def deltas(answer: MockAnswer, identity_: str) -> Iterator[tuple[Body, str | None]]:
    """Yield what a stream adds, and at its end the reason why it ends."""
    yield {"role": "assistant", "content": None if answer.tool_calls else ""}, None
    for token in tokens_of(answer.reasoning):
        yield {"reasoning_content": token}, None
    for token in tokens_of(answer.text or ""):
        yield {"content": token}, None
    for index, call in enumerate(tool_calls(answer, identity_)):
        arguments = call["function"]["arguments"]
        call["function"]["arguments"] = ""
        yield {"tool_calls": [{"index": index, **call}]}, None
        yield {"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}, None
    yield {}, answer.finish_reason


def completion_chunks(frame: Body, answers: list[MockAnswer], usage: Body | None) -> Iterator[Body]:
    """Yield the chunks of a streamed legacy completion."""
    shared = {**frame, "object": "text_completion"}
    more: Body = {} if usage is None else {"usage": None}
    for index, answer in enumerate(answers):
        for token in tokens_of(answer.text or ""):
            choice = {"index": index, "text": token, "logprobs": None, "finish_reason": None}
            yield {**shared, "choices": [choice], **more}
        last = {"index": index, "text": "", "logprobs": None, "finish_reason": answer.finish_reason}
        yield {**shared, "choices": [last], **more}
    if usage is not None:
        yield {**shared, "choices": [], "usage": usage}


def tool_calls(answer: MockAnswer, identity_: str) -> list[Body]:
    """Return calls in OpenAI's shape, with ids that follow from the answer's."""
    return [
        {
            "id": f"call_{identity_[-16:]}{index}",
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        }
        for index, (name, arguments) in enumerate(answer.tool_calls)
    ]


def embeddings(body: Body) -> Body:
    """Return unit vectors that depend on nothing but the input. Raises `Failure` 400."""
    inputs = embedding_inputs(body.get("input"))
    size = dimensions_of(body)
    if len(inputs) * size > MAX_NUMBERS:
        raise invalid_field("input", f"The mock makes at most {MAX_NUMBERS} numbers at once.")
    encode = encoding_of(body)
    tokens = sum(len(text) if isinstance(text, list) else token_count(text) for text in inputs)
    data = [
        {"object": "embedding", "index": index, "embedding": encode(vector(text, size))}
        for index, text in enumerate(inputs)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": body["model"], "usage": usage}


def embedding_inputs(given: Any) -> list[Any]:
    """Return the inputs, each a text or a list of tokens. Raises `Failure` 400."""
    several = isinstance(given, list) and not is_input(given)
    inputs = given if several else [given]
    if not 1 <= len(inputs) <= MAX_INPUTS or not all(map(is_input, inputs)):
        raise invalid_field("input", "'input' must be text or tokens, or a list of these.")
    return list(inputs)


def is_input(given: Any) -> bool:
    """Return whether this is one text or one list of tokens, and not empty."""
    tokens = isinstance(given, list) and all(isinstance(token, int) for token in given)
    return bool(given) and (tokens or isinstance(given, str))


def dimensions_of(body: Body) -> int:
    """Return `dimensions`. Raises `Failure` 400."""
    size = body.get("dimensions")
    if size is None:
        return DIMENSIONS
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= MAX_DIMENSIONS:
        raise invalid_field("dimensions", f"'dimensions' must be from 1 to {MAX_DIMENSIONS}.")
    return size


def encoding_of(body: Body) -> Callable[[list[float]], list[float] | str]:
    """Return the writer of vectors that `encoding_format` names. Raises `Failure` 400."""
    match body.get("encoding_format"):
        case None | "float":
            return list
        case "base64":
            return as_base64
    raise invalid_field("encoding_format", "'encoding_format' must be 'float' or 'base64'.")


def vector(text: Any, size: int) -> list[float]:
    """Return a vector of length 1 from a hash."""
    digest = hashlib.shake_256(msgspec.json.encode(text)).digest(4 * size)
    numbers = [number / 2**31 - 1 for number in struct.unpack(f"<{size}I", digest)]
    length = math.sqrt(sum(number * number for number in numbers)) or 1.0
    return [number / length for number in numbers]


def as_base64(numbers: list[float]) -> str:
    """Return little-endian float32, as the official SDKs ask for."""
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
