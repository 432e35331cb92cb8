"""A stream put together again is the answer that would have come whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airouter.dialects import events
from airouter.dialects.assembly import Assembly
from airouter.dialects.conversation import (
    Answer,
    Choice,
    Citation,
    Image,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Signature,
    Text,
    ToolCall,
    Usage,
)
from airouter.failures import ended_early

SIGNATURE = Signature(maker="m", value="v")
LOGPROBS = ({"token": "a", "logprob": -0.5},)

texts = st.text(max_size=8)
signed = st.none() | st.just(SIGNATURE)
parts = st.one_of(
    st.builds(
        Text,
        text=texts,
        citations=st.lists(st.builds(Citation, url=texts), max_size=2).map(tuple),
        signature=signed,
    ),
    st.builds(Text, text=texts, logprobs=st.just(LOGPROBS)),
    st.builds(
        Reasoning, text=texts, summary=st.lists(texts, max_size=2).map(tuple), signature=signed
    ),
    st.builds(Refusal, text=texts),
    st.builds(ToolCall, id=texts, name=texts, arguments=texts, signature=signed),
    st.just(Image(media=Media(data="AAAA"))),
    st.just(Opaque(dialect="messages", native={"type": "server_tool_use"})),
)
choices = st.lists(
    st.builds(
        Choice,
        parts=st.lists(parts, max_size=3).map(tuple),
        stop=st.sampled_from(["end", "length", "tool_calls"]),
        stop_sequence=st.none() | texts,
    ),
    max_size=3,
).map(lambda found: tuple(msgspec.structs.replace(each, index=at) for at, each in enumerate(found)))
answers = st.builds(
    Answer,
    id=texts,
    model=texts,
    choices=choices,
    usage=st.none() | st.builds(Usage, input_tokens=st.integers(0, 9)),
    created=st.none() | st.integers(0, 9),
    service_tier=st.none() | texts,
)


def streamed(answer: Answer, cuts: Sequence[int]) -> Iterator[events.Event]:
    """An answer as a provider would stream it, its texts cut at `cuts`."""
    yield events.Begun(
        id=answer.id, model=answer.model, created=answer.created, service_tier=answer.service_tier
    )
    for choice in answer.choices:
        for at, part in enumerate(choice.parts):
            yield from grown(part, at, choice.index, cuts)
            yield events.PartEnded(at=at, choice=choice.index)
        yield events.Stopped(
            stop=choice.stop, stop_sequence=choice.stop_sequence, choice=choice.index
        )
    if answer.usage is not None:
        yield events.Counted(usage=answer.usage)
    yield events.Pinged()
    yield events.Ended()


def grown(part: Part, at: int, choice: int, cuts: Sequence[int]) -> Iterator[events.Event]:
    """How a part begins, and all that it grows by."""
    match part:
        case Text():
            yield events.PartBegun(at=at, part=Text(text=""), choice=choice)
            for piece in cut(part.text, cuts):
                yield events.TextDelta(at=at, text=piece, choice=choice)
            if part.logprobs:
                yield events.TextDelta(at=at, text="", choice=choice, logprobs=part.logprobs)
            for citation in part.citations:
                yield events.Cited(at=at, citation=citation, choice=choice)
        case Reasoning():
            yield events.PartBegun(at=at, part=Reasoning(), choice=choice)
            for piece in cut(part.text, cuts):
                yield events.ReasoningDelta(at=at, text=piece, choice=choice)
            for index, summary in enumerate(part.summary):
                for piece in cut(summary, cuts):
                    yield events.ReasoningDelta(at=at, text=piece, choice=choice, summary=index)
        case Refusal():
            yield events.PartBegun(at=at, part=Refusal(text=""), choice=choice)
            for piece in cut(part.text, cuts):
                yield events.RefusalDelta(at=at, text=piece, choice=choice)
        case ToolCall():
            begun = ToolCall(id=part.id, name=part.name, arguments="")
            yield events.PartBegun(at=at, part=begun, choice=choice)
            for piece in cut(part.arguments, cuts):
                yield events.ArgumentsDelta(at=at, text=piece, choice=choice)
        case _:
            yield events.PartBegun(at=at, part=part, choice=choice)
            return
    if isinstance(part, Text | Reasoning | ToolCall) and part.signature is not None:
        yield events.Signed(at=at, signature=part.signature, choice=choice)


def cut(text: str, at: Sequence[int]) -> list[str]:
    """At least one piece, so that a part of a summary that is empty is told."""
    edges = [0, *sorted({each for each in at if each < len(text)}), len(text)]
    return [text[start:stop] for start, stop in pairwise(edges)]


def assembled(*stream: events.Event) -> Assembly:
    assembly = Assembly()
    for event in stream:
        assembly.feed(event)
    return assembly


BEGUN = events.Begun(id="a", model="m")


@given(answers, st.lists(st.integers(1, 7), max_size=3))
def test_a_stream_makes_the_answer_that_it_was_made_of(answer: Answer, cuts: list[int]) -> None:
    assembly = assembled(*streamed(answer, cuts))
    assert assembly.answer() == answer
    assert assembly.failure is None


def test_choices_may_come_side_by_side() -> None:
    both = [events.PartBegun(at=0, part=Text(text=""), choice=choice) for choice in (0, 1)]
    deltas = [
        events.TextDelta(at=0, text=text, choice=n)
        for text, n in zip("abcd", [0, 1, 1, 0], strict=True)
    ]
    ends = [events.PartEnded(at=0, choice=choice) for choice in (1, 0)]
    stops = [events.Stopped(stop="end", choice=choice) for choice in (1, 0)]
    answer = assembled(BEGUN, *both, *deltas, *ends, *stops).answer()
    assert [choice.parts for choice in answer.choices] == [(Text(text="ad"),), (Text(text="bc"),)]


def test_the_last_count_counts() -> None:
    early = msgspec.structs.replace(BEGUN, usage=Usage(input_tokens=1))
    counts = [events.Counted(usage=Usage(input_tokens=1, output_tokens=n)) for n in (2, 3)]
    assert assembled(early).usage == Usage(input_tokens=1)
    assert assembled(early, *counts).answer().usage == Usage(input_tokens=1, output_tokens=3)


def test_a_choice_that_broke_off_is_no_answer() -> None:
    begun = events.PartBegun(at=0, part=Text(text=""))
    failure = ended_early()
    assembly = assembled(BEGUN, begun, events.TextDelta(at=0, text="a"), events.Broken(failure))
    assert assembly.failure is failure
    assert assembly.answer().choices == ()


@pytest.mark.parametrize("part", [Image(media=Media(data="AAAA")), Text(text="whole")])
def test_a_part_that_comes_whole_stays_as_it_is(part: Part) -> None:
    stream: list[events.Event] = [
        events.PartBegun(at=0, part=part),
        events.PartEnded(at=0),
        events.Stopped(stop="end"),
    ]
    assert assembled(BEGUN, *stream).answer().choices[0].parts == (part,)


def test_an_answer_can_be_looked_at_while_it_grows() -> None:
    assert assembled().answer() == Answer(id="", model="", choices=())
