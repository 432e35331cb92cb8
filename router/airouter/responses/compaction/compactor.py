"""The one compactor behind all endpoints: an endpoint, a last input item, a threshold.

The routed model summarises a transcript; what the user said is kept word for word. A transcript
that does not fit into the model's window is summarised piece by piece, each with the summary of
what came before.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from airouter.failures import Failure
from airouter.responses.collecting import BufferExchange
from airouter.responses.compaction import prompt
from airouter.responses.compaction.transcript import chunks, entries, part_of
from airouter.responses.items import read

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from airouter.config.snapshot import Model
    from airouter.interfaces import Exchange
    from airouter.responses.items import Item

    Serve = Callable[[Exchange], Awaitable[None]]

WINDOW = 100_000
"""Tokens that a model takes whose window is not declared."""
RESERVE = 12_000
"""Tokens for the instructions, the summary so far and the new one."""
CHARACTERS_PER_TOKEN = 3
"""Rather few, so that other languages and code fit, too."""
LEAST_CHUNK = 4_000
MOST_CHUNKS = 64
"""Pieces that are summarised, the newest."""
MOST_OF_USER = 200_000
"""Bytes of the user's messages that are kept, the newest first."""
CALLS = ("function_call", "custom_tool_call", "local_shell_call", "shell_call", "apply_patch_call")
REASONING = "reasoning"
MEDIA = ("input_image", "input_file", "input_audio")


class InputDetails(msgspec.Struct):
    """What of the tokens in came from a cache, or went into one."""

    cached_tokens: int = 0
    cache_write_tokens: int = 0


class OutputDetails(msgspec.Struct):
    """What of the tokens out was thought."""

    reasoning_tokens: int = 0


class Usage(msgspec.Struct):
    """What a summary cost, as responses have it."""

    input_tokens: int = 0
    output_tokens: int = 0
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None

    @property
    def read(self) -> InputDetails:
        """What is known of the tokens in."""
        return self.input_tokens_details or InputDetails()

    @property
    def written(self) -> OutputDetails:
        """What is known of the tokens out."""
        return self.output_tokens_details or OutputDetails()

    def plus(self, other: Usage) -> Usage:
        """Both together."""
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            InputDetails(
                self.read.cached_tokens + other.read.cached_tokens,
                self.read.cache_write_tokens + other.read.cache_write_tokens,
            ),
            OutputDetails(self.written.reasoning_tokens + other.written.reasoning_tokens),
        )


class Summary(NamedTuple):
    """A conversation made short."""

    said: list[msgspec.Raw]
    """What the user said, as items."""
    summary: msgspec.Raw
    """The rest, as one message."""
    pending: list[msgspec.Raw]
    """Calls whose results are still to come, with the reasoning that led to them."""
    usage: Usage


class Compactor:
    """Summarises by asking the model itself, as the client that wants it."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve

    async def compact(
        self,
        items: Sequence[msgspec.Raw],
        *,
        headers: dict[bytes, bytes],
        name: str,
        model: Model,
    ) -> Summary:
        """A summary of items that are open to read.

        `headers` authorize it, for the `name` by which the client calls the model. Raises the
        `Failure` that the model is served with.
        """
        past, pending = parted(items)
        window = model.metadata.context_window or WINDOW
        size = max((window - RESERVE) * CHARACTERS_PER_TOKEN, LEAST_CHUNK)
        instructions = model.compaction.instructions or prompt.INSTRUCTIONS
        text, usage = "", Usage()
        for piece in deque(chunks(entries(past), size), MOST_CHUNKS):
            asked = prompt.GO_ON.format(summary=text) if text else ""
            asked += prompt.TRANSCRIPT.format(transcript=piece)
            text, cost = await self._ask(name, instructions, asked, headers)
            usage = usage.plus(cost)
        words = prompt.SUMMARY.format(summary=text or "Nothing was said yet.")
        return Summary(user_messages(past), message(words), pending, usage)

    async def _ask(
        self, name: str, instructions: str, asked: str, headers: dict[bytes, bytes]
    ) -> tuple[str, Usage]:
        body = {"model": name, "instructions": instructions, "input": asked, "store": False}
        exchange = BufferExchange(headers, msgspec.json.encode(body))
        await self._serve(exchange)
        return summary_in(exchange)


class Content(msgspec.Struct):
    """A part of an answer."""

    text: str = ""


class OutputItem(msgspec.Struct):
    """An item of an answer."""

    content: list[Content] | None = None


class Answer(msgspec.Struct):
    """As much of a response as a summary needs."""

    output: list[OutputItem]
    usage: Usage | None = None


_answer = msgspec.json.Decoder(Answer)


def summary_in(exchange: BufferExchange) -> tuple[str, Usage]:
    """The text of a response, and what it cost. Raises `Failure`."""
    if exchange.status != 200:
        raise exchange.failure()
    try:
        answer = _answer.decode(exchange.answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        answer = Answer([])
    parts = [part.text for item in answer.output for part in item.content or () if part.text]
    if not parts:
        raise Failure(
            502, "The model gave no summary.", type="server_error", code="compaction_failed"
        )
    return "\n".join(parts), answer.usage or Usage()


def message(text: str) -> msgspec.Raw:
    """What the model that goes on is told."""
    content = [{"type": "input_text", "text": text}]
    item = {"type": "message", "role": "developer", "content": content}
    return msgspec.Raw(msgspec.json.encode(item))


def user_messages(items: Sequence[msgspec.Raw]) -> list[msgspec.Raw]:
    """What the user said, the newest as far as there is room."""
    kept: list[msgspec.Raw] = []
    room = MOST_OF_USER
    for item in reversed(items):
        known = read(item)
        if known.type == "message" and known.role == "user":
            said = item if len(bytes(item)) <= room else words_of(item)
            room -= len(bytes(said))
            if room < 0:
                break
            kept.append(said)
    return kept[::-1]


def words_of(item: msgspec.Raw) -> msgspec.Raw:
    """A message in which images and files are only named."""
    message = msgspec.json.decode(item)
    content = message.get("content")
    if not isinstance(content, list) or not any(map(is_media, content)):
        return item
    message["content"] = [
        {"type": "input_text", "text": part_of(part)} if is_media(part) else part
        for part in content
    ]
    return msgspec.Raw(msgspec.json.encode(message))


def is_media(part: object) -> bool:
    """Whether a part is an image, a file or a sound."""
    return isinstance(part, dict) and part.get("type") in MEDIA


def parted(items: Sequence[msgspec.Raw]) -> tuple[list[msgspec.Raw], list[msgspec.Raw]]:
    """What is over, and what is not: see `pending`. Raises `Failure` 400."""
    waiting = pending([read(item) for item in items])
    past = [item for at, item in enumerate(items) if at not in waiting]
    return past, [items[at] for at in waiting]


def pending(items: Sequence[Item]) -> list[int]:
    """Where calls stand whose results are still to come, and the reasoning that led to them.

    A call that the user spoke after is not waited for any more.
    """
    said = [at for at, item in enumerate(items) if item.type == "message" and item.role == "user"]
    results = [item for item in items if item.type.endswith("_output")]
    answered = {id_ for item in results for id_ in (item.call_id, item.id) if id_}
    found: list[int] = []
    thoughts: list[int] = []
    for at in range(said[-1] + 1 if said else 0, len(items)):
        item, before = items[at], items[at - 1].type if at else ""
        if item.type == REASONING:
            thoughts = [*thoughts, at] if before == REASONING else [at]
        elif item.type not in CALLS:
            thoughts = []
        elif item.call_id not in answered and item.id not in answered:
            found += [*thoughts, at]
            thoughts = []
    return found
