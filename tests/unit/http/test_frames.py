"""Messages and their frames, held against the library that keeps the rules of both."""

from __future__ import annotations

import pytest
from websockets.frames import Frame, Opcode

from airouter.http.frames import MessageAssembler, text_header

CONT, TEXT, BINARY = Opcode.CONT, Opcode.TEXT, Opcode.BINARY


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 70_000])
def test_a_text_is_framed_as_the_library_frames_it(size: int) -> None:
    message = b"x" * size
    assert text_header(size) + message == Frame(TEXT, message).serialize(mask=False)


def test_a_message_ends_with_its_last_frame_and_begins_anew_after_it() -> None:
    messages = MessageAssembler()
    frames = [(TEXT, b"a", False), (CONT, b"", False), (CONT, b"b", True), (BINARY, b"c", True)]
    assert [messages.add(Frame(*each)) for each in frames[:3]] == [None, None, b"ab"]
    assert messages.is_text
    assert messages.add(Frame(*frames[3])) == b"c"
    assert not messages.is_text
