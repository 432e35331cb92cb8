"""An answer that several attempts may make, as far as it outlives each of them."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from airouter.dialects.events import Broken
from airouter.dialects.joining.resuming import check_joinable, resumed
from airouter.dialects.joining.seam import Seam

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from airouter.dialects.conversation import Conversation, Usage
    from airouter.dialects.dialect import Stage, StreamRenderer
    from airouter.dialects.events import Event
    from airouter.failures import Failure


class JoinedAnswer:
    """The one answer of a request whose streams may be gone on with, written for its client."""

    __slots__ = ("_cost", "_prefills", "_renderer", "_stages", "is_prefilled", "seam")

    def __init__(self) -> None:
        self.seam = Seam()
        self.is_prefilled = False
        """True where the request was last written with a prefill."""
        self._prefills = True
        """False once a backend has refused one."""
        self._renderer: StreamRenderer
        self._stages: Sequence[Stage]
        self._cost: Callable[[int], Usage] | None = None
        """Tells the cost of the streams so far."""

    @property
    def is_begun(self) -> bool:
        """Return True once a backend has answered with a stream."""
        return self._cost is not None

    @property
    def is_resumed(self) -> bool:
        """Return True where the next request is for more than the client has asked for."""
        return self.is_begun and bool(self.seam.text)

    def begin(self, renderer: StreamRenderer, stages: Sequence[Stage]) -> None:
        """Take what writes for the client all along."""
        self._renderer = renderer
        self._stages = stages

    def add_stream(self, cost: Callable[[int], Usage]) -> None:
        """Begin with another stream; `cost` is its `usage_so_far`."""
        if self._cost is not None:
            self.seam.resume(self._cost(0))
        self._cost = cost

    def refuse_prefill(self) -> None:
        """Have backends told in words to go on."""
        self._prefills = self.is_prefilled = False

    def resumed(self, conversation: Conversation, *, prefills: bool) -> Conversation:
        """Return the request for the next backend. Raises `Unsupported`.

        `prefills` says whether its model can go on with a turn of its own.
        """
        if not self.is_begun:
            return conversation
        check_joinable(conversation)
        text = self.seam.text
        self.is_prefilled = prefills and self._prefills and bool(text.strip())
        return resumed(conversation, text, prefill=self.is_prefilled)

    def feed(self, event: Event) -> bytes:
        """Return what a client gets for an event of a stream.

        `Broken` is for a stream that nobody goes on with: an answer that can end as it is does so.
        """
        if isinstance(event, Broken) and self.seam.can_end:
            return self._rendered(self.seam.end())
        return self._rendered(self.seam.feed(event))

    def broken_off(self, failure: Failure) -> bytes:
        """Return the end of an answer that nobody can go on with."""
        return self.feed(Broken(failure=failure))

    def _rendered(self, events: Iterable[Event]) -> bytes:
        for stage in self._stages:
            events = chain.from_iterable(map(stage.feed, events))
        return b"".join(map(self._renderer.feed, events))
