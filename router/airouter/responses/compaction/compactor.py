"""The one compactor behind all endpoints: an endpoint, a last input item, a threshold.

The routed model summarises a transcript; what the user said is kept word for word. A transcript
that does not fit into the model's window is summarised piece by piece, each with the summary of
what came before.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from airouter.dialects.conversation import Usage
from airouter.dialects.openai_usage import RESPONSES_BODY, usage_in
from airouter.dialects.spending import added
from airouter.eventloop.aside import LARGE
from airouter.failures import Failure
from airouter.responses.buffer_exchange import BufferExchange, PartExchange
from airouter.responses.caller import PLAIN_CALLER
from airouter.responses.compaction import prompt
from airouter.responses.compaction.transcript import chunks, entries, part_text
from airouter.responses.items import item_fields
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.eventloop.aside import Aside
    from airouter.responses.caller import ServeCaller
    from airouter.responses.items import Item
    from airouter.responses.turn import ResponsesTurn

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


class ConversationSummary(NamedTuple):
    """A conversation made short."""

    said: list[msgspec.Raw]
    """What the user said, as items."""
    summary: msgspec.Raw
    """The rest, as one message."""
    pending: list[msgspec.Raw]
    """Calls whose results are still to come, with the reasoning that led to them."""
    usage: Usage


class ReadConversation(NamedTuple):
    """A conversation as far as it is read before the model is asked."""

    said: list[msgspec.Raw]
    pieces: Sequence[str]
    """The transcript, in pieces that fit into the model's window."""
    pending: list[msgspec.Raw]


class Compactor:
    """Summarises by asking the model itself, as the client that wants it."""

    def __init__(self, serve: ServeCaller, aside: Aside) -> None:
        self._serve = serve
        self._aside = aside

    async def compact(
        self, items: Sequence[msgspec.Raw], turn: ResponsesTurn, *, is_part: bool = False
    ) -> ConversationSummary:
        """Summarise items that are open to read, with the model and the rights of a turn.

        `is_part` is True where the turn has kept what it reserved, so that it takes no second place
        among its client's requests. Raises the `Failure` that the model is served with.
        """
        model = turn.model
        large = sum(len(memoryview(item)) for item in items) > LARGE
        window = model.metadata.context_window or WINDOW
        size = max((window - RESERVE) * CHARACTERS_PER_TOKEN, LEAST_CHUNK)

        def read() -> ReadConversation:
            return read_conversation(items, size)

        said, pieces, pending = await self._aside.run(read) if large else read()
        instructions = model.compaction.instructions or prompt.INSTRUCTIONS
        text, usage = "", Usage()
        for piece in pieces:
            asked = prompt.GO_ON.format(summary=text) if text else ""
            asked += prompt.TRANSCRIPT.format(transcript=piece)
            text, cost = await self._ask(instructions, asked, turn, is_part=is_part)
            usage = added(usage, cost)
        words = prompt.SUMMARY.format(summary=text or "Nothing was said yet.")
        return ConversationSummary(said, developer_message(words), pending, usage)

    async def _ask(
        self, instructions: str, asked: str, turn: ResponsesTurn, *, is_part: bool
    ) -> tuple[str, Usage]:
        body = {
            "model": turn.request.model,
            "instructions": instructions,
            "input": asked,
            "store": False,
        }
        make = PartExchange if is_part else BufferExchange
        exchange = make(turn.exchange.headers, msgspec.json.encode(body))
        await self._serve(exchange, PLAIN_CALLER)
        return summary_in(exchange)


def read_conversation(items: Sequence[msgspec.Raw], size: int) -> ReadConversation:
    """Read items into pieces of so many characters. Raises `Failure` 400."""
    past, waiting = parted(items)
    return ReadConversation(
        user_messages(past), deque(chunks(entries(past), size), MOST_CHUNKS), waiting
    )


class SummaryPart(msgspec.Struct):
    """A part of an answer."""

    text: str = ""


class SummaryItem(msgspec.Struct):
    """An item of an answer."""

    content: list[SummaryPart] | None = None


class SummaryAnswer(msgspec.Struct):
    """As much of a response as a summary needs."""

    output: list[SummaryItem]


_answer = msgspec.json.Decoder(SummaryAnswer)


def summary_in(exchange: BufferExchange) -> tuple[str, Usage]:
    """Return the text of a response, and its tokens. Raises `Failure`."""
    if exchange.status != 200:
        raise exchange.failure()
    answer = decoded_or_none(_answer, exchange.answer) or SummaryAnswer([])
    parts = [part.text for item in answer.output for part in item.content or () if part.text]
    if not parts:
        raise Failure(
            502, "The model gave no summary.", type="server_error", code="compaction_failed"
        )
    return "\n".join(parts), usage_in(RESPONSES_BODY, exchange.answer) or Usage()


def developer_message(text: str) -> msgspec.Raw:
    """Return the message that the model which goes on reads."""
    content = [{"type": "input_text", "text": text}]
    item = {"type": "message", "role": "developer", "content": content}
    return msgspec.Raw(msgspec.json.encode(item))


def user_messages(items: Sequence[msgspec.Raw]) -> list[msgspec.Raw]:
    """Return the messages of the user, the newest as far as there is room."""
    kept: list[msgspec.Raw] = []
    room = MOST_OF_USER
    for item in reversed(items):
        known = item_fields(item)
        if known.type == "message" and known.role == "user":
            said = item if len(bytes(item)) <= room else words_of(item)
            room -= len(bytes(said))
            if room < 0:
                break
            kept.append(said)
    return kept[::-1]


def words_of(item: msgspec.Raw) -> msgspec.Raw:
    """Return a message in which images and files are only named."""
    developer_message = msgspec.json.decode(item)
    content = developer_message.get("content")
    if not isinstance(content, list) or not any(map(is_media, content)):
        return item
    developer_message["content"] = [
        {"type": "input_text", "text": part_text(part)} if is_media(part) else part
        for part in content
    ]
    return msgspec.Raw(msgspec.json.encode(developer_message))


def is_media(part: object) -> bool:
    """True for an image, a file or a sound."""
    return isinstance(part, dict) and part.get("type") in MEDIA


def parted(items: Sequence[msgspec.Raw]) -> tuple[list[msgspec.Raw], list[msgspec.Raw]]:
    """Divide items into the past and the calls that are pending. Raises `Failure` 400."""
    waiting = dict.fromkeys(pending([item_fields(item) for item in items]))
    past = [item for at, item in enumerate(items) if at not in waiting]
    return past, [items[at] for at in waiting]


def pending(items: Sequence[Item]) -> list[int]:
    """Return the places of calls without results, and of the reasoning that led to them.

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
            if before != REASONING:
                thoughts = []
            thoughts.append(at)
        elif item.type not in CALLS:
            thoughts = []
        elif item.call_id not in answered and item.id not in answered:
            found += [*thoughts, at]
            thoughts = []
    return found
