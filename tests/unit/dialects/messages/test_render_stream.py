"""Events of any provider, as the stream that clients of Anthropic read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from anthropic.types import RawMessageStreamEvent
from anthropic.types.beta import BetaRawMessageStreamEvent
from pydantic import TypeAdapter

from airouter.dialects.conversation import (
    Image,
    Json,
    Media,
    Part,
    Reasoning,
    Refusal,
    Text,
    Usage,
)
from airouter.dialects.events import (
    ArgumentsDelta,
    Begun,
    Broken,
    Counted,
    Ended,
    Event,
    PartBegun,
    PartEnded,
    Pinged,
    ReasoningDelta,
    RefusalDelta,
    Signed,
    Stopped,
    TextDelta,
)
from airouter.dialects.framing import ServerSentEvents
from airouter.dialects.messages import CLIENT
from airouter.failures import Failure
from unit.dialects.messages.asking import answer, asked, call, foreign, own, parsed, rendered
from unit.dialects.messages.streaming import (
    ALL,
    COMPACTION,
    COUNTS,
    STREAM,
    assembled,
    events_in,
    streamed,
)

SDK: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
BETA: TypeAdapter[Any] = TypeAdapter(BetaRawMessageStreamEvent)


def written(events: Iterable[Event]) -> list[Json]:
    """What a client gets for events, each of which the SDK can read."""
    renderer = CLIENT.stream_renderer(asked())
    frames = ServerSentEvents().feed(b"".join(map(renderer.feed, events)))
    found: list[Json] = []
    for frame in frames:
        body: Json = msgspec.json.decode(frame.data)
        assert frame.name.decode() == body["type"]
        if body["type"] not in {"ping", "error"} and b"compaction" not in frame.data:
            SDK.validate_python(body)
        found.append(body)
    return found


def told(*parts: tuple[Part, list[Any]]) -> list[Event]:
    """A stream of parts, each with its deltas."""
    found: list[Event] = [Begun(id="a1", model="m")]
    for at, (part, deltas) in enumerate(parts):
        grown = [msgspec.structs.replace(each, at=at) for each in deltas]
        found += [PartBegun(at=at, part=part), *grown, PartEnded(at=at)]
    return [*found, Stopped(stop="end"), Ended()]


def content_of(events: list[Json]) -> list[Json]:
    """The blocks that a client puts together, whose events come in their order."""
    blocks: list[Json] = []
    given = ""
    for each in events:
        match each:
            case {"type": "content_block_start", "index": index, "content_block": block}:
                assert index == len(blocks)
                blocks.append(dict(block))
                given = ""
            case {"type": "content_block_delta", "index": index, "delta": delta}:
                assert index == len(blocks) - 1
                block = blocks[-1]
                given += delta.get("partial_json", "")
                for field in ("text", "thinking", "signature"):
                    if field in delta:
                        block[field] += delta[field]
            case {"type": "content_block_stop"}:
                if given:
                    blocks[-1]["input"] = msgspec.json.decode(given)
    return blocks


def test_a_stream_written_again_says_the_same() -> None:
    events = events_in(STREAM)
    renderer = CLIENT.stream_renderer(asked())
    again = events_in(b"".join(map(renderer.feed, events)))
    assert assembled(again) == assembled(events)
    assert content_of(written(events)) == [without_citations(block) for block in ALL]


def test_a_compaction_written_again_is_read_by_the_sdk_as_it_was() -> None:
    begun, delta, ended = written(events_in(streamed(COMPACTION, reason="end_turn")))[2:-2]
    block = BETA.validate_python(begun).content_block
    assert (block.type, block.content, block.encrypted_content) == ("compaction", None, None)
    given = BETA.validate_python(delta).delta
    assert given.model_dump() == {**COMPACTION, "type": "compaction_delta"}
    assert ended["type"] == "content_block_stop"


def without_citations(block: Json) -> Json:
    return {name: value for name, value in block.items() if name != "citations"}


def test_a_client_gets_the_grammar_of_anthropic() -> None:
    kinds = [each["type"] for each in written(events_in(STREAM))]
    assert kinds[:2] == ["message_start", "ping"]
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == len(ALL)


def test_the_cost_is_told_at_the_beginning_and_in_full_at_the_end() -> None:
    events = written(events_in(STREAM))
    assert events[0]["message"]["usage"] == COUNTS
    assert events[-2]["usage"] == {
        **COUNTS,
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 4},
    }


def test_what_is_not_known_of_the_cost_counts_as_nothing() -> None:
    events = written(told())
    assert events[0]["message"]["usage"]["input_tokens"] == 0
    late = written([*told()[:-1], Counted(usage=Usage(input_tokens=4, output_tokens=2)), Ended()])
    assert late[-2]["usage"]["input_tokens"] == 4


def test_a_failure_becomes_an_event_that_clients_know() -> None:
    (error,) = written([Broken(failure=Failure(502, "Gone."))])
    assert error["error"] == {"type": "api_error", "message": "Gone."}
    assert written([Pinged()]) == [{"type": "ping"}]


PARTS: list[tuple[Part, list[Any], Part]] = [
    (Text(text=""), [TextDelta(at=0, text="Hi")], Text(text="Hi")),
    (Refusal(text=""), [RefusalDelta(at=0, text="No.")], Refusal(text="No.")),
    (
        Reasoning(),
        [ReasoningDelta(at=0, text="Hm."), Signed(at=0, signature=own())],
        Reasoning(text="Hm.", signature=own()),
    ),
    (
        Reasoning(signature=own(redacted=True)),
        [],
        Reasoning(signature=own(redacted=True)),
    ),
    (
        Reasoning(),
        [
            ReasoningDelta(at=0, text="One", summary=0),
            ReasoningDelta(at=0, text=".", summary=0),
            ReasoningDelta(at=0, text="Two.", summary=1),
        ],
        Reasoning(summary=("One.", "Two.")),
    ),
    (call(arguments=""), [ArgumentsDelta(at=0, text='{"city":"Oslo"}')], call()),
    (
        Image(media=Media(media_type="image/png", data="aGk=")),
        [],
        Image(media=Media(media_type="image/png", data="aGk=")),
    ),
    (
        call(arguments="", signature=foreign()),
        [ArgumentsDelta(at=0, text='{"city":"Oslo"}')],
        call(signature=foreign()),
    ),
    (
        Reasoning(id="r1"),
        [ReasoningDelta(at=0, text="Hm."), Signed(at=0, signature=foreign())],
        Reasoning(id="r1", text="Hm.", signature=foreign()),
    ),
]


@pytest.mark.parametrize(("begun", "deltas", "whole"), PARTS)
def test_a_part_is_the_same_to_a_client_whole_or_in_pieces(
    begun: Part, deltas: list[Any], whole: Part
) -> None:
    expected = [without_citations(each) for each in rendered(answer(whole))["content"]]
    found = [without_citations(each) for each in content_of(written(told((begun, deltas))))]
    assert found == expected


def test_empty_words_are_no_block_in_a_stream() -> None:
    empty, said = TextDelta(at=0, text=""), TextDelta(at=0, text="Hi.")
    events = told((Text(text=""), []), (Text(text=""), [empty, said]), (Text(text=""), [empty]))
    assert content_of(written(events)) == [{"type": "text", "text": "Hi."}]


def test_what_another_model_thought_returns_by_way_of_a_stream() -> None:
    events = told(
        (Reasoning(), [ReasoningDelta(at=0, text="Hm."), Signed(at=0, signature=foreign())]),
        (call("call.1", arguments="", signature=foreign()), [ArgumentsDelta(at=0, text="{}")]),
    )
    content = content_of(written(events))
    results = [{"type": "tool_result", "tool_use_id": content[-1]["id"], "content": "Rain"}]
    turns = parsed(
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": content},
        {"role": "user", "content": results},
    ).turns
    assert turns[1].parts == (
        Reasoning(text="Hm.", signature=foreign()),
        call(content[-1]["id"], arguments="{}", signature=foreign()),
    )
