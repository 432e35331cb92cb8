"""Deflated messages, inflated in pieces: the same text as at once, whatever the frames."""

from __future__ import annotations

import zlib

import pytest
from websockets.exceptions import ProtocolError
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

from airouter.http.inflating import OUTPUT, DeflatedFrame, SlicedDeflate, SlicedDeflateFactory

TEXTS = (b"", b"a", b"word " * 400_000, bytes(range(256)) * 2_000, b"word " * 10)


def pieces_of(deflate: SlicedDeflate, frame: Frame) -> list[bytes]:
    decoded = deflate.decode(frame)
    assert isinstance(decoded, DeflatedFrame)
    deflate.begin(decoded)
    return list(iter(deflate.inflate, None))


@pytest.mark.parametrize("no_takeover", [False, True])
@pytest.mark.parametrize("frames", [1, 2, 7])
def test_messages_are_inflated_whatever_their_frames(no_takeover: bool, frames: int) -> None:
    ours = SlicedDeflate(no_takeover, no_takeover, 12, 12)
    theirs = PerMessageDeflate(no_takeover, no_takeover, 12, 12)
    for text in TEXTS:
        inflated = b""
        step = len(text) // frames + 1
        for number in range(frames):
            part = text[number * step : (number + 1) * step]
            opcode = Opcode.TEXT if number == 0 else Opcode.CONT
            frame = theirs.encode(Frame(opcode, part, fin=number == frames - 1))
            found = pieces_of(ours, frame)
            assert max(map(len, found), default=0) <= OUTPUT
            inflated += b"".join(found)
        assert inflated == text


def test_a_message_that_came_as_it_is_stays_so() -> None:
    deflate = SlicedDeflate(False, False, 12, 12)
    plain = Frame(Opcode.TEXT, b"a", fin=False)
    assert deflate.decode(plain) is plain
    rest = Frame(Opcode.CONT, b"b")
    assert deflate.decode(rest) is rest
    ping = Frame(Opcode.PING, b"")
    assert deflate.decode(ping) is ping


def test_a_compressed_part_of_what_is_not_is_against_the_rules() -> None:
    deflate = SlicedDeflate(False, False, 12, 12)
    deflate.decode(Frame(Opcode.TEXT, b"a", fin=False, rsv1=True))
    with pytest.raises(ProtocolError):
        deflate.decode(Frame(Opcode.CONT, b"b", rsv1=True))


def test_what_is_not_deflated_is_an_error() -> None:
    with pytest.raises(zlib.error):
        pieces_of(SlicedDeflate(False, False, 12, 12), Frame(Opcode.TEXT, b"\xff" * 9, rsv1=True))


def test_the_extension_is_agreed_on_as_the_factory_says() -> None:
    factory = SlicedDeflateFactory(server_max_window_bits=12, client_max_window_bits=12)
    answer, extension = factory.process_request_params([("client_max_window_bits", None)], [])
    assert ("server_max_window_bits", "12") in answer
    assert (extension.remote_max_window_bits, extension.local_max_window_bits) == (12, 12)
