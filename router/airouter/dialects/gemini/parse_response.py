"""From a whole answer to ours, as from a stream of one piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.assembly import Assembly
from airouter.dialects.framing import Frame
from airouter.dialects.gemini.parse_stream import Parser

if TYPE_CHECKING:
    from airouter.dialects.conversation import Answer, Destination


def parse_response(body: bytes, destination: Destination) -> Answer:
    """Return the answer. Raises `BrokenReply`, and `Failure` for an error in a 200."""
    parser, assembly = Parser(destination), Assembly()
    for event in (*parser.feed(Frame(b"", body)), *parser.finish()):
        assembly.feed(event)
    if assembly.failure is not None:
        raise assembly.failure
    return assembly.answer()
