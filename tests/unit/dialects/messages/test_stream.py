"""Anthropic's stream, read and written: nothing is lost on the way, whatever the cut."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from anthropic.types import RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from airouter.dialects.assembly import Assembly
from airouter.dialects.conversation import (
    Answer,
    Destination,
    Image,
    Json,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
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
from airouter.dialects.framing import Frame, ServerSentEvents
from airouter.dialects.messages import CLIENT, UPSTREAM
from airouter.dialects.messages.render_tools import ANSWER_TOOL
from airouter.failures import Failure
from airouter.interfaces import BrokenReply
from unit.dialects.messages.asking import (
    HERE,
    SONNET,
    answer,
    answer_to,
    asked,
    call,
    foreign,
    own,
    parsed,
    rendered,
    response,
)

SDK: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
CITATION: Json = {
    "type": "char_location",
    "cited_text": "rain",
    "document_index": 0,
    "document_title": None,
    "file_id": None,
    "start_char_index": 3,
    "end_char_index": 7,
}
THOUGHT: Json = {"type": "thinking", "thinking": "Grüße 🎉 an\u2028alle", "signature": "c2lnbmVk"}
HIDDEN: Json = {"type": "redacted_thinking", "data": "aGlk"}
SEARCH: Json = {
    "type": "server_tool_use",
    "id": "s1",
    "name": "web_search",
    "input": {"query": "ö"},
}
FOUND: Json = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []}
SAID: Json = {"type": "text", "text": "Es «regnete» 🌧", "citations": [CITATION]}
USE: Json = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Zürich"}}
BARE: Json = {"type": "tool_use", "id": "toolu_2", "name": "time", "input": {}}
COUNTS: Json = {
    "input_tokens": 9,
    "cache_read_input_tokens": 3,
    "cache_creation_input_tokens": 2,
    "output_tokens": 1,
}
EMPTY: dict[str, Json] = {
    "thinking": {"thinking": "", "signature": ""},
    "text": {"text": "", "citations": None},
    "tool_use": {"input": {}},
    "server_tool_use": {"input": {}},
}


def event(name: str, **fields: Any) -> bytes:
    data = msgspec.json.encode({"type": name, **fields})
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)


def deltas_of(block: Json) -> list[Json]:
    """What comes after the beginning of a block, text in two pieces."""
    match block["type"]:
        case "thinking":
            thought = block["thinking"]
            return [
                *({"type": "thinking_delta", "thinking": each} for each in halves(thought)),
                {"type": "signature_delta", "signature": block["signature"]},
            ]
        case "text":
            cited = ({"type": "citations_delta", "citation": each} for each in block["citations"])
            return [
                *({"type": "text_delta", "text": each} for each in halves(block["text"])),
                *cited,
            ]
        case "tool_use" | "server_tool_use":
            given = msgspec.json.encode(block["input"]).decode() if block["input"] else ""
            pieces = ("", *halves(given)) if given else ("",)
            return [{"type": "input_json_delta", "partial_json": each} for each in pieces]
    return []


def halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


def block_of(at: int, block: Json) -> bytes:
    begun = {**block, **EMPTY.get(block["type"], {})}
    deltas = (event("content_block_delta", index=at, delta=each) for each in deltas_of(block))
    start = event("content_block_start", index=at, content_block=begun)
    return start + b"".join(deltas) + event("content_block_stop", index=at)


def start(**more: Any) -> bytes:
    message = {**response(reason=""), "stop_reason": None, "usage": COUNTS, **more}
    return event("message_start", message=message)


def end(reason: str = "tool_use") -> bytes:
    delta = {"stop_reason": reason, "stop_sequence": None}
    cost = {"output_tokens": 7, "output_tokens_details": {"thinking_tokens": 4}}
    return event("message_delta", delta=delta, usage=cost) + event("message_stop")


def streamed(*blocks: Json, reason: str = "tool_use") -> bytes:
    """The stream that a whole message would have been."""
    ping = event("ping")
    return start() + ping + b"".join(block_of(*each) for each in enumerate(blocks)) + end(reason)


ALL = (THOUGHT, HIDDEN, SEARCH, FOUND, SAID, USE, BARE)
STREAM = streamed(*ALL)


def events_in(*pieces: bytes) -> list[Event]:
    framing, parser = (
        UPSTREAM.framing(),
        UPSTREAM.stream_parser(Destination(model=SONNET, maker=HERE)),
    )
    found = [
        each for piece in pieces for frame in framing.feed(piece) for each in parser.feed(frame)
    ]
    return [*found, *parser.finish()]


def assembled(events: Iterable[Event]) -> Answer:
    assembly = Assembly()
    for each in events:
        assembly.feed(each)
    assert assembly.failure is None
    return assembly.answer()


def written(events: Iterable[Event]) -> list[Json]:
    """What a client gets for events, each of which the SDK can read."""
    renderer = CLIENT.stream_renderer(asked())
    frames = ServerSentEvents().feed(b"".join(map(renderer.feed, events)))
    found: list[Json] = []
    for frame in frames:
        body: Json = msgspec.json.decode(frame.data)
        assert frame.name.decode() == body["type"]
        if body["type"] not in {"ping", "error"}:
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


def test_a_stream_is_the_message_that_would_have_come_whole() -> None:
    usage = {**COUNTS, "output_tokens": 7, "output_tokens_details": {"thinking_tokens": 4}}
    whole = answer_to(response(*ALL, reason="tool_use", usage=usage))
    assert assembled(events_in(STREAM)) == whole


def test_a_cut_changes_nothing_wherever_it_is() -> None:
    whole = events_in(STREAM)
    for at in range(len(STREAM)):
        assert events_in(STREAM[:at], STREAM[at:]) == whole


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_many_cuts_change_nothing(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[a:b] for a, b in pairwise(edges)]
    assert events_in(*pieces) == events_in(STREAM)


def test_a_stream_written_again_says_the_same() -> None:
    events = events_in(STREAM)
    renderer = CLIENT.stream_renderer(asked())
    again = events_in(b"".join(map(renderer.feed, events)))
    assert assembled(again) == assembled(events)
    assert content_of(written(events)) == [without_citations(block) for block in ALL]


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


def test_the_tool_that_stands_for_the_answer_is_the_answer() -> None:
    for said, text in (({"n": 1}, '{"n":1}'), ({}, "{}")):
        by_tool = {**USE, "name": ANSWER_TOOL, "input": said}
        choice = assembled(events_in(streamed(by_tool))).choices[0]
        assert (choice.parts, choice.stop) == ((Text(text=text),), "end")


def test_a_call_that_begins_with_all_its_arguments_keeps_them() -> None:
    begun = event("content_block_start", index=0, content_block=USE)
    stream = start() + begun + event("content_block_stop", index=0) + end()
    assert assembled(events_in(stream)).choices[0].parts == (
        ToolCall(id="toolu_1", name="weather", arguments='{"city":"Zürich"}'),
    )


@pytest.mark.parametrize("text", ['{"que', "[" * 200_000])
def test_a_search_that_was_cut_off_is_told_as_it_began(text: str) -> None:
    delta = {"type": "input_json_delta", "partial_json": text}
    begun = event("content_block_start", index=0, content_block={**SEARCH, "input": {}})
    cut = begun + event("content_block_delta", index=0, delta=delta)
    stream = start() + cut + event("content_block_stop", index=0) + end("max_tokens")
    native = {**SEARCH, "input": {}}
    choice = assembled(events_in(stream)).choices[0]
    assert choice.parts == (Opaque(dialect="messages", native=native),)


@pytest.mark.parametrize("pieces", [(), (start(),), (start(), event("ping"))])
def test_a_stream_without_its_end_is_broken(pieces: tuple[bytes, ...]) -> None:
    last = events_in(*pieces)[-1]
    assert isinstance(last, Broken)
    assert last.failure.status == 502


def test_a_stream_that_fails_says_why_and_nothing_after() -> None:
    error = {"type": "overloaded_error", "message": "Overloaded"}
    events = events_in(start() + event("error", error=error) + end())
    assert isinstance(events[-1], Broken)
    assert (events[-1].failure.status, events[-1].failure.code) == (503, "overloaded_error")
    assert [type(each) for each in events] == [Begun, Broken]


@pytest.mark.parametrize("reason", ["tool_use", "end_turn"])
def test_whether_there_are_calls_is_seen_from_them(reason: str) -> None:
    assert assembled(events_in(streamed(USE, reason=reason))).choices[0].stop == "tool_calls"
    assert assembled(events_in(streamed(SAID, reason=reason))).choices[0].stop == "end"


def test_a_block_ends_where_the_next_begins_though_nobody_says_so() -> None:
    untold = b"".join(each for each in frames_of(STREAM) if b"content_block_stop" not in each)
    assert assembled(events_in(untold)) == assembled(events_in(STREAM))


def test_null_is_nothing() -> None:
    nothing = dict.fromkeys(("text", "thinking", "signature", "partial_json", "citation"))
    delta = event("content_block_delta", index=None, delta={**nothing, "type": "text_delta"})
    said = {"type": "text_delta", "text": "Hi"}
    block = {"type": "text", "text": None, "citations": None}
    data = event("content_block_start", index=None, content_block=block) + delta
    data += event("content_block_delta", index=None, delta={**nothing, **said})
    (choice,) = assembled(events_in(start(id=None) + data + end("end_turn"))).choices
    assert choice.parts == (Text(text="Hi"),)


def frames_of(data: bytes) -> list[bytes]:
    return [each + b"\n\n" for each in data.split(b"\n\n")[:-1]]


def test_what_is_new_is_passed_over() -> None:
    new = event("new_event") + event(
        "content_block_start", index=0, content_block=SAID | {"text": ""}
    )
    new += event("content_block_delta", index=0, delta={"type": "new_delta"})
    new += event("content_block_stop", index=0)
    assert assembled(events_in(start() + new + end("end_turn"))).choices[0].stop == "end"


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"type":"ping","x":' + b"[" * 200_000,
        b'{"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}',
        b'{"type":"content_block_stop","index":0}',
    ],
)
def test_an_event_out_of_place_breaks_the_stream(data: bytes) -> None:
    parser = UPSTREAM.stream_parser(Destination(model=SONNET, maker=HERE))
    with pytest.raises(BrokenReply):
        list(parser.feed(Frame(b"", data)))


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
