"""Estimates of tokens: how near they come, whatever the pieces of a stream."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any, Protocol

import pytest

from airouter.dialects.chat.usage import UsageHider
from airouter.dialects.chat.usage import UsageReader as ChatUsageReader
from airouter.dialects.conversation import Usage
from airouter.dialects.estimation import MEDIA_TOKENS, tokens_in, tokens_of_body
from airouter.dialects.messages.usage import UsageReader as MessagesUsageReader
from airouter.dialects.responses.usage import UsageReader as ResponsesUsageReader


class Filter(Protocol):
    """A filter of a stream that passes through."""

    def feed(self, data: bytes) -> None: ...

    def usage_so_far(self, received: int) -> Usage: ...


def ignore(data: bytes) -> None:
    """Be the client."""


def chat(text: str) -> dict[str, Any]:
    return {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": text}}]}


def messages(text: str) -> dict[str, Any]:
    delta = {"type": "text_delta", "text": text}
    return {"type": "content_block_delta", "index": 0, "delta": delta}


def responses(text: str) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "item_id": "msg_1", "delta": text}


FILTERS: dict[str, tuple[Callable[[], Filter], Callable[[str], dict[str, Any]]]] = {
    "chat": (lambda: ChatUsageReader(ignore), chat),
    "chat-hidden": (lambda: UsageHider(ignore), chat),
    "messages": (lambda: MessagesUsageReader(ignore), messages),
    "responses": (lambda: ResponsesUsageReader(ignore, None), responses),
}


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("pieces", [1, 3, 7, 1_000])
@pytest.mark.parametrize("name", FILTERS)
def test_the_text_of_a_long_stream_is_known_within_a_quarter(
    name: str, pieces: int, *, ascii_only: bool
) -> None:
    make, event = FILTERS[name]
    chance = random.Random(7)
    words = chance.choices(["a", " of", " tokens", ' "so"', "\n\n", " Grüße", " слово"], k=4_000)
    events = [
        b"data: %b\n\n" % json.dumps(event(word), ensure_ascii=ascii_only).encode()
        for word in words
    ]
    stream_filter, received = make(), 0
    for start in range(0, len(events), pieces):
        data = b"".join(events[start : start + pieces])
        received += len(data)
        stream_filter.feed(data)
    size = len("".join(words).encode())
    assert stream_filter.usage_so_far(received).output_tokens == pytest.approx(size / 4, rel=0.25)


@pytest.mark.parametrize("name", FILTERS)
def test_a_stream_that_said_nothing_cost_nothing(name: str) -> None:
    make, _ = FILTERS[name]
    stream_filter = make()
    assert stream_filter.usage_so_far(0).output_tokens == 0
    stream_filter.feed(b": a comment\n\n")
    assert stream_filter.usage_so_far(13).output_tokens == 0


def test_a_token_is_four_bytes_and_never_a_part_of_one() -> None:
    assert [tokens_in(size) for size in (0, 1, 4, 5)] == [0, 1, 1, 2]


@pytest.mark.parametrize("url", ["data:image/png;base64,", ""])
def test_media_count_by_the_piece(url: str) -> None:
    body = json.dumps({"text": "word " * 400, "image": url + "iVBORw0KGgo" * 10_000}).encode()
    assert tokens_of_body(body) == pytest.approx(MEDIA_TOKENS + 500, rel=0.05)


def test_long_words_of_any_script_are_text() -> None:
    body = json.dumps({"text": "字" * 10_000}, ensure_ascii=False).encode()
    assert tokens_of_body(body) == tokens_in(len(body))
