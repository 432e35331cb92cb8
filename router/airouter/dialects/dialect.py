"""The parts that all dialects share; each dialect has the parts that somebody uses.

A dialect is plain functions and small state machines; a client's has `parse_request` and
`render_response`, a provider's the other half.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airouter.dialects.conversation import Answer, Conversation, Destination
    from airouter.dialects.events import Event
    from airouter.dialects.framing import Frame

Write = Callable[[bytes], None]
"""Takes a piece of a stream for the client."""


class Framing(Protocol):
    """Cuts the bytes of an upstream's stream into frames. Raises `BrokenReply`."""

    def feed(self, data: bytes) -> list[Frame]: ...

    def rest(self) -> list[Frame]:
        """Return the last frame of a stream that is over, where its end is missing."""
        ...


class StreamParser(Protocol):
    """Reads the frames of an upstream's stream."""

    def feed(self, frame: Frame) -> Iterable[Event]:
        """Return the events of one frame. Raises `BrokenReply` for one that cannot be read."""
        ...

    def finish(self) -> Iterable[Event]:
        """Return `Ended` or `Broken`, unless it came already: the upstream has closed."""
        ...


class Stage(Protocol):
    """A filter of events on their way to the client."""

    def feed(self, event: Event) -> Iterable[Event]: ...


class StreamRenderer(Protocol):
    """Writes events for a client."""

    def feed(self, event: Event) -> bytes:
        """Return the bytes of one event, maybe none. `Broken` becomes an error event."""
        ...


@dataclass(frozen=True)
class ClientDialect:
    """The half of a dialect that clients need."""

    name: str
    parse_request: Callable[[bytes], Conversation]
    """Raises `Failure` 400 that names the field."""
    render_response: Callable[[Answer, Conversation], bytes]
    stream_renderer: Callable[[Conversation], StreamRenderer]
    check_version: Callable[[Conversation, str], None] = lambda _conversation, _version: None
    """Raises `Failure` 400 for what a version of the API does not take."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Attributes of `Conversation` to their names in this dialect, where those differ."""


@dataclass(frozen=True)
class UpstreamDialect:
    """The half of a dialect that providers need."""

    name: str
    render_request: Callable[[Conversation, Destination], bytes]
    """The body, without the model where the path has it. Raises `Unsupported`."""
    parse_response: Callable[[bytes, Destination], Answer]
    """Raises `BrokenReply` for a body that cannot be read, `Failure` for an error in a 200."""
    framing: Callable[[], Framing]
    stream_parser: Callable[[Destination], StreamParser]
    fetches: Callable[[Conversation], list[str]] = lambda _conversation: []
    """The URLs in a conversation that this dialect wants as bytes."""
    long_names: bool = False
    """Whether a tool may have a name of more than 64 characters."""
    prefills: Callable[[str], bool] = lambda _model: False
    """Whether a model goes on with a turn of its own that stands last."""
