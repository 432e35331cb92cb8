"""Messages and their frames, held against the library that keeps the rules of both."""

from __future__ import annotations

from typing import cast

import pytest
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from airouter.http.frames import (
    PIECE,
    FrameReader,
    MessageAssembler,
    is_utf8,
    read_frames_by,
    text_header,
)

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


def test_large_frames_are_read_with_those_around_them() -> None:
    sent = [b"small", b"x" * (PIECE + 1), b"", b"y" * (2 * PIECE), b"end"]
    received = b"".join(Frame(TEXT, each).serialize(mask=True) for each in sent)
    for step in (PIECE // 3, len(received)):
        wire = server()
        for at in range(0, len(received), step):
            wire.receive_data(received[at : at + step])
        frames = cast("list[Frame]", wire.events_received())
        assert [frame.data for frame in frames] == sent


def test_what_is_owed_of_a_large_frame_is_no_more_than_it_lacks() -> None:
    wire = server(reader := FrameReader())
    received = Frame(TEXT, b"x" * (PIECE + 100)).serialize(mask=True)
    wire.receive_data(received[:-30])
    assert reader.owed == 30
    wire.receive_data(received[-30:] + Frame(TEXT, b"y").serialize(mask=True)[:-1])
    assert reader.owed == 0


def test_a_large_frame_that_is_cut_short_ends_the_connection() -> None:
    wire = server()
    wire.receive_data(Frame(TEXT, b"x" * (PIECE + 1)).serialize(mask=True)[:-1])
    wire.receive_eof()
    assert wire.state is State.CLOSED
    assert wire.events_received() == []


@pytest.mark.parametrize(
    ("message", "good"),
    [
        (b"x" * PIECE + "é".encode(), True),
        (b"x" * (PIECE - 1) + "é".encode() + b"x", True),
        (b"x" * (PIECE - 1) + "é".encode()[:1], False),
        (b"x" * (PIECE - 1) + b"\xff", False),
        (b"\xc3", False),
    ],
)
def test_a_long_text_is_told_from_what_is_none(message: bytes, *, good: bool) -> None:
    assert is_utf8(message) is good


def server(reader: FrameReader | None = None) -> ServerProtocol:
    """A connection whose handshake is over."""
    wire = ServerProtocol(state=State.OPEN, max_size=None)
    read_frames_by(reader or FrameReader(), wire)
    return wire
