"""Notes what a client was answered: the id, the model and the ends of the answer.

A traced request's exchange is wrapped in a `TracedExchange`, which lets everything through and
keeps the beginning and the end of it. Both are read once the answer is over, in the form of the
client's API: the names of that are the ones that its developers look for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from airouter.interfaces import Exchange
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from airouter.interfaces import Headers, Source

EDGE = 4_096
"""Bytes of the beginning and of the end of a stream that are kept."""
OPENING = 256
"""Bytes at the beginning of a long piece that are kept with its end."""
WHOLE = 262_144
"""Bytes of a whole answer that is read; of a longer one the edges are."""
LONGEST_TEXT = 256
MOST_ENDS = 16
ID = re.compile(rb'"id"\s*:\s*"([^"\\]{1,256})"')
MODEL = re.compile(rb'"model"\s*:\s*"([^"\\]{1,256})"')
DATA = re.compile(rb"(?:^|\n)data: ?(\{[^\r\n]*)")
END = re.compile(
    rb'"(?:finish_reason|stop_reason)"\s*:\s*"([a-z_]{1,64})"'
    rb'|"type"\s*:\s*"response\.(completed|incomplete|failed)"'
)
"""The end of a choice. Text of a model never matches: its quotes are escaped."""


class EndedChoice(msgspec.Struct):
    """A choice, as much of it as tells its end."""

    finish_reason: str | None = None


class AnswerName(msgspec.Struct):
    """Fields that name an answer: an answer, or `message` and `response` in an event."""

    id: str | None = None
    model: str | None = None


class AnswerHead(AnswerName):
    """An answer of any API for clients, or the first event of a stream."""

    message: AnswerName | None = None
    response: AnswerName | None = None


class AnswerBody(AnswerName):
    """A whole answer of any API for clients."""

    choices: list[EndedChoice] | None = None
    stop_reason: str | None = None
    status: str | None = None


class Answered(msgspec.Struct, frozen=True):
    """Words of an answer about itself; nothing where it does not."""

    id: str | None = None
    model: str | None = None
    ends: tuple[str, ...] = ()
    """Why each choice ended."""


_head = msgspec.json.Decoder(AnswerHead)
_whole = msgspec.json.Decoder(AnswerBody)
NOTHING = Answered()


class AnswerTap:
    """The bytes that went to a client of one answer, as far as a trace needs it."""

    __slots__ = ("_head", "_room", "_said", "_tail", "_whole")

    def __init__(self, room: int = 0) -> None:
        """`room` is how many bytes are kept for the content of a trace."""
        self._room = room
        self._said: list[bytes] = []
        self._head = b""
        self._tail = b""
        self._whole: Answered | None = None

    def whole(self, body: bytes) -> None:
        """Take a whole answer, and read it: its body is not kept beyond its room."""
        self._keep(body)
        self._whole = answered_in(body)

    def add(self, piece: bytes) -> None:
        """Take a piece of a stream."""
        if self._room:
            self._keep(piece)
        if len(self._head) < EDGE:
            self._head += piece[:EDGE]
        if len(piece) >= EDGE:  # the last event of Responses is long, and says first what it is
            self._tail = piece[:OPENING] + piece[-EDGE:]
        else:
            self._tail = (self._tail + piece)[-EDGE:]

    def take_content(self) -> bytes:
        """Return what was kept for the content, and keep it no longer."""
        said, self._said = self._said, []
        return b"".join(said)

    def read(self) -> Answered:
        """Return what the answer said of itself."""
        return answered_by(self._head, self._tail) if self._whole is None else self._whole

    def _keep(self, piece: bytes) -> None:
        if self._room:
            kept = piece[: self._room]
            self._room -= len(kept)
            self._said.append(kept)


class TracedExchange(Exchange):
    """An exchange whose answer goes by a tap, too."""

    __slots__ = ("_exchange", "_tap")

    def __init__(self, exchange: Exchange, tap: AnswerTap) -> None:
        self._exchange = exchange
        self._tap = tap
        self.headers = exchange.headers
        self.body = exchange.body

    @property
    def beats(self) -> bool:  # type: ignore[override]  # those of the client
        return self._exchange.beats

    @property
    def started(self) -> bool:  # type: ignore[override]  # as above
        return self._exchange.started

    @property
    def source(self) -> Source | None:
        return self._exchange.source

    @source.setter
    def source(self, source: Source | None) -> None:
        self._exchange.source = source

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        self._tap.whole(body)
        self._exchange.respond(status, headers, body)

    def start(self, status: int, headers: Headers) -> None:
        self._exchange.start(status, headers)

    def write(self, data: bytes) -> None:
        self._tap.add(data)
        self._exchange.write(data)

    def end(self) -> None:
        self._exchange.end()

    def abort(self) -> None:
        self._exchange.abort()


def answered_in(body: bytes) -> Answered:
    """Return what a whole answer says of itself."""
    if len(body) > WHOLE:
        return answered_by(body[:EDGE], body[-EDGE:])
    read = decoded_or_none(_whole, body)
    if read is None:
        return NOTHING
    ends = [each.finish_reason for each in (read.choices or ())[:MOST_ENDS]]
    ends += [read.stop_reason] if read.stop_reason else []
    if not ends and read.status in {"completed", "incomplete", "failed"}:
        ends = [read.status]
    return Answered(
        cut_short(read.id), cut_short(read.model), tuple(end[:64] for end in ends if end)
    )


def answered_by(head: bytes, tail: bytes) -> Answered:
    """Return what a stream says of itself, by its beginning and its end."""
    named = identity_in(head)
    found = [found[1] or found[2] for found in END.finditer(tail)][:MOST_ENDS]
    return Answered(
        cut_short(named.id), cut_short(named.model), tuple(end.decode() for end in found)
    )


def identity_in(head: bytes) -> AnswerName:
    """Return the id and the model of the first event that has an id.

    Of an event that is longer than what was kept, the first that looks like them.
    """
    for event in DATA.finditer(head):
        read = decoded_or_none(_head, event[1])
        if read is None:
            continue
        named = read.message or read.response or read
        if named.id is not None:
            return named
    id_, model = ID.search(head), MODEL.search(head)
    return AnswerName(
        id_[1].decode(errors="replace") if id_ is not None else None,
        model[1].decode(errors="replace") if model is not None else None,
    )


def cut_short(text: str | None) -> str | None:
    """Return a text as a span may have it."""
    return None if text is None else text[:LONGEST_TEXT]
