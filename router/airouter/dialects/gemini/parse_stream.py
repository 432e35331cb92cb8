"""From the pieces of a stream to events.

Each piece is an answer of its own, with something of every candidate; `candidate.py` puts those
together.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.events import Begun, Broken, Counted, Ended, Event
from airouter.dialects.gemini import schema
from airouter.dialects.gemini.candidate import CandidateReader
from airouter.dialects.gemini.counts import parse_usage
from airouter.dialects.gemini.errors import failure_in
from airouter.failures import ended_early
from airouter.interfaces import BrokenReply
from airouter.untrusted import decoded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.dialects.conversation import Destination, Usage
    from airouter.dialects.framing import Frame

UNREADABLE_ANSWER = "the upstream's answer cannot be read"

_decoder = msgspec.json.Decoder(schema.Response)


class Parser:
    """The reader of one stream."""

    __slots__ = ("_candidates", "_destination", "_over", "_seed", "_usage")

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._candidates: dict[int, CandidateReader] = {}
        self._seed = ""
        self._usage: Usage | None = None
        self._over = False

    def feed(self, frame: Frame) -> Iterator[Event]:
        """Yield the events of one piece. Raises `BrokenReply`."""
        if self._over:
            return
        response = decoded(_decoder, frame.data, BrokenReply, UNREADABLE_ANSWER)
        if response.error is not None:
            self._over = True
            yield Broken(failure=failure_in(response.error))
            return
        if not self._seed:
            yield self._begin(response)
        if response.usage_metadata is not None:
            self._usage = parse_usage(response.usage_metadata)
        for candidate in response.candidates or ():
            for event in self._reader(candidate.index).feed(candidate):
                yield event
                if isinstance(event, Broken):
                    self._over = True
                    return
        if response.prompt_feedback is not None and response.prompt_feedback.block_reason:
            self._reader(0).block()

    def finish(self) -> Iterator[Event]:
        """Yield the end if every candidate has stopped, which nothing else says, or a failure."""
        if self._over:
            return
        self._over = True
        candidates = self._candidates.values()
        whole = candidates and all(each.stopped for each in candidates)
        for candidate in candidates if whole else ():
            yield from candidate.end()
        if self._usage is not None:
            yield Counted(usage=self._usage)
        yield Ended() if whole else Broken(failure=ended_early())

    def _begin(self, response: schema.Response) -> Begun:
        self._seed = response.response_id or secrets.token_hex(8)
        return Begun(id=self._seed, model=response.model_version or self._destination.model)

    def _reader(self, index: int) -> CandidateReader:
        reader = self._candidates.get(index)
        if reader is None:
            reader = CandidateReader(index, self._destination.maker, self._seed)
            self._candidates[index] = reader
        return reader
