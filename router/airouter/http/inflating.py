"""WebSocket messages that came deflated (RFC 7692), inflated piece by piece.

`websockets` would inflate a frame at once, a thousand bytes of one, while everybody else waits.
Here it negotiates, and leaves frames as they came.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from websockets.exceptions import ProtocolError
from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.frames import CTRL_OPCODES, Frame, Opcode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from websockets.extensions import Extension
    from websockets.typing import ExtensionParameter

INPUT, OUTPUT = 16_384, 262_144
"""Bytes of a piece: at most so many go in, and so many come out."""
END_OF_MESSAGE = b"\x00\x00\xff\xff"
"""What a sender leaves out (section 7.2.2)."""


class DeflatedFrame(Frame):
    """A frame whose data is to be inflated."""


class SlicedDeflate(PerMessageDeflate):
    """The extension on a connection: deflates as `websockets` does, and inflates in pieces."""

    _input: memoryview = memoryview(b"")
    _unconsumed = b""

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:  # noqa: ARG002
        if frame.opcode in CTRL_OPCODES:
            return frame
        continues = frame.opcode is Opcode.CONT
        if not (self.decode_cont_data if continues else frame.rsv1):
            return frame
        if continues and frame.rsv1:
            raise ProtocolError("RSV1 bit set in continuation frame")
        self.decode_cont_data = not frame.fin
        return DeflatedFrame(frame.opcode, frame.data, frame.fin, rsv2=frame.rsv2, rsv3=frame.rsv3)

    def begin(self, frame: DeflatedFrame) -> None:
        """Take a frame, whose pieces `inflate` returns."""
        if self.remote_no_context_takeover and frame.opcode is not Opcode.CONT:
            self.decoder = zlib.decompressobj(wbits=-self.remote_max_window_bits)
        self._input = memoryview(frame.data)
        self._unconsumed = b""
        self._tail = END_OF_MESSAGE if frame.fin else b""

    def inflate(self) -> bytes | None:
        """Return the next piece of a frame, or None after the last. Raises `zlib.error`."""
        source: bytes | memoryview = self._unconsumed
        if not source:
            source, self._input = self._input[:INPUT], self._input[INPUT:]
        if not source:
            source, self._tail = self._tail, b""
        if not source:
            return None
        piece = self.decoder.decompress(source, OUTPUT)
        self._unconsumed = self.decoder.unconsumed_tail
        return piece


class SlicedDeflateFactory(ServerPerMessageDeflateFactory):
    """Negotiates a `SlicedDeflate`."""

    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[ExtensionParameter], SlicedDeflate]:
        answered, agreed = super().process_request_params(params, accepted_extensions)
        return answered, SlicedDeflate(
            agreed.remote_no_context_takeover,
            agreed.local_no_context_takeover,
            agreed.remote_max_window_bits,
            agreed.local_max_window_bits,
            agreed.compress_settings,
        )


DEFLATE = SlicedDeflateFactory(
    server_max_window_bits=12, client_max_window_bits=12, compress_settings={"memLevel": 5}
)
"""Compression for clients that ask for it, in an eighth of the memory of zlib's defaults."""
