"""Events of two streams that become those of one."""

from __future__ import annotations

from airouter.dialects.conversation import Citation, Signature, Text, ToolCall, Usage
from airouter.dialects.events import (
    ArgumentsDelta,
    Begun,
    Cited,
    Event,
    PartBegun,
    PartEnded,
    Pinged,
    Signed,
    Stopped,
    TextDelta,
)
from airouter.dialects.joining.seam import Seam
from airouter.dialects.spending import added

BEGUN = Begun(id="a", model="m")
EMPTY = PartBegun(at=0, part=Text(text=""))
SIGNED = Signed(at=0, signature=Signature(maker="m", value="s"))


def fed(seam: Seam, *events: Event) -> list[Event]:
    return [told for event in events for told in seam.feed(event)]


def cut_after(*events: Event) -> Seam:
    """A seam before its second stream."""
    seam = Seam()
    fed(seam, *events)
    seam.resume(Usage(input_tokens=1, output_tokens=1))
    return seam


def test_a_citation_counts_from_the_beginning_of_the_text_that_is_joined() -> None:
    cited = Cited(at=0, citation=Citation(url="u", start=0, end=5))
    seam = cut_after(BEGUN, EMPTY, TextDelta(at=0, text="Hello "))
    again = fed(seam, BEGUN, EMPTY, TextDelta(at=0, text=" world"), cited)
    assert again[-1] == Cited(at=0, citation=Citation(url="u", start=5, end=10))


def test_a_signature_of_half_a_text_signs_nothing() -> None:
    seam = cut_after(BEGUN, EMPTY, TextDelta(at=0, text="Hel"))
    assert fed(seam, EMPTY, TextDelta(at=0, text="lo"), SIGNED) == [TextDelta(at=0, text="lo")]


def test_a_text_that_its_provider_ended_goes_on_in_its_part() -> None:
    seam = cut_after(BEGUN, EMPTY, TextDelta(at=0, text="Hel"), PartEnded(at=0))
    assert fed(seam, EMPTY, TextDelta(at=0, text="lo"), PartEnded(at=0), Stopped(stop="end")) == [
        TextDelta(at=0, text="lo"),
        PartEnded(at=0),
        Stopped(stop="end"),
    ]


def test_the_parts_of_a_later_stream_are_counted_on() -> None:
    call = PartBegun(at=0, part=ToolCall(id="c", name="f", arguments=""))
    seam = cut_after(BEGUN, EMPTY, TextDelta(at=0, text="Hello"))
    told = fed(seam, call, ArgumentsDelta(at=0, text="{"), ArgumentsDelta(at=0, text="}"))
    assert told == []
    assert fed(seam, PartEnded(at=0)) == [
        PartEnded(at=0),
        PartBegun(at=1, part=call.part),
        ArgumentsDelta(at=1, text="{}"),
        PartEnded(at=1),
    ]


def test_a_sign_of_life_passes_while_a_call_is_held() -> None:
    seam = cut_after(BEGUN)
    call = PartBegun(at=0, part=ToolCall(id="c", name="f", arguments=""))
    assert fed(seam, call, Pinged()) == [Pinged()]


def test_a_count_that_no_stream_tells_stays_unknown() -> None:
    one, other = Usage(input_tokens=1, cached_tokens=2), Usage(input_tokens=3, output_tokens=4)
    assert added(one, other) == Usage(input_tokens=4, output_tokens=4, cached_tokens=2)
