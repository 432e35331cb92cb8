"""The exchange of one response in a session: what the pipeline says becomes messages."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Protocol

import msgspec

from airouter.dialects.chat.errors import error_object, status_in
from airouter.dialects.framing import ServerSentEvents
from airouter.interfaces import Exchange
from airouter.responses.caller import Caller
from airouter.sessions.upstream_socket import ParentResponse, SessionRequest
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.bounds.held_bytes import Holding
    from airouter.config.snapshot import Credential
    from airouter.failures import Failure
    from airouter.interfaces import Carrier, Dialer, Headers, Reply
    from airouter.responses.pinning import Pin
    from airouter.responses.records import History
    from airouter.sessions.messages import Fields
    from airouter.sessions.upstream_sockets import UpstreamSockets


class UntoldStatus(msgspec.Struct):
    """An event, as much of it as tells an error."""

    type: str = ""
    status: int | None = None
    status_code: int | None = None
    code: str | int | None = None
    error: dict[str, object] | None = None


_error = msgspec.json.Decoder(UntoldStatus)
ERROR = re.compile(rb'"error"(?!\s*:\s*null)')
"""The word, where it does not name the error that a response does not have."""
ERROR_AT = 256
"""Bytes at the beginning of an event in which an error says that it is one."""
DONE = b"[DONE]"
"""How some providers end a stream of events; a session has no end to tell."""


class SessionLink(Protocol):
    """The session of an exchange: its connection and its memory."""

    sockets: UpstreamSockets
    peer: tuple[str, int] | None
    """Where its connection comes from."""
    paused: bool
    """Whether the client reads too slowly for more."""

    def send(self, message: bytes) -> None:
        """Send a JSON object to the client."""
        ...

    def recall(self, id_: str) -> History | None: ...

    def remember(self, exchange: FrameExchange, id_: str, history: History) -> None: ...

    def forget(self, stream_id: str | None, id_: str) -> None: ...


class FrameExchange(Exchange, Caller):
    """One response of a lane. The pipeline takes it for a request that streams.

    It is the `Carrier` of its request, over the sockets of its session.
    """

    __slots__ = (
        "_link",
        "_parent",
        "_previous",
        "_suffix",
        "holding",
        "said",
        "status",
        "stream_id",
    )

    in_session = True

    def __init__(
        self,
        headers: dict[bytes, bytes],
        body: bytes,
        link: SessionLink,
        *,
        stream_id: str | None,
        previous: str | None,
        said: Fields | None,
    ) -> None:
        """`previous` is the response that it goes on from."""
        self.headers = headers
        self.body = body
        self.started = False
        self.source = None
        self.stream_id = stream_id
        self.holding: Holding | None = None
        """The bytes of the body, until there is an answer."""
        self.said = said
        """What a warm-up says for the response that goes on from it; None for what is none."""
        self.status = 0
        self._parent: ParentResponse | None = None
        """The response that it goes on from, where a provider keeps that."""
        self._link = link
        self._previous = previous
        self._suffix = suffix_of(stream_id)

    @property
    def peer(self) -> tuple[str, int] | None:
        return self._link.peer

    def release(self) -> None:
        """Let go of the body: the response is there, or nobody waits for it."""
        if self.holding is not None:
            self.holding.release()

    # What the session can do beside reading an answer.

    @property
    def warms_up(self) -> bool:
        return self.said is not None

    @property
    def preferred(self) -> str | None:
        parent = self._parent
        if parent is None or not self._link.sockets.remember(self.stream_id, parent):
            return None
        return parent.pin.credential

    @property
    def carrier(self) -> Carrier:
        return self

    def recall(self, id_: str) -> History | None:
        return self._link.recall(id_)

    def remember(self, id_: str, history: History) -> None:
        self._link.remember(self, id_, history)

    def continue_at(self, pin: Pin, items: bytes) -> None:
        self._parent = ParentResponse(pin, items)

    async def carry(
        self, credential: Credential, dialer: Dialer, path: bytes, head: bytes, body: bytes
    ) -> Reply:
        parent = self._parent
        if parent is not None and parent.pin.credential != credential.name:
            parent = None
        asking = SessionRequest(credential, body, parent)
        return await self._link.sockets.ask(asking, self.stream_id, dialer, path, head)

    def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """Take an error, or a whole response from a provider that did not stream."""
        self.started = True
        self.status = status
        if status == 200:
            event = {"type": "response.completed", "sequence_number": 0}
            self._send(msgspec.json.encode({**event, "response": msgspec.Raw(body)}))
            return
        if self._previous is not None:
            self._link.forget(self.stream_id, self._previous)
        error = msgspec.json.decode(body).get("error")
        self._send(error_message(status, error, dict(headers).get(b"retry-after")))

    def start(self, status: int, headers: Headers) -> None:  # noqa: ARG002  # a frame has none
        self.started = True
        self.status = status
        if self._link.paused and self.source is not None:  # a stream that began meanwhile
            self.source.pause()

    def write(self, data: bytes) -> None:
        # JSON has its own line ends escaped, so what looks like a line of data is one.
        at = data.find(b"\ndata: ")
        if at >= 0 and data.find(b"\n", at + 1) == len(data) - 2:  # one event, as we write them
            self._send(data[at + 7 : -2])
            return
        for frame in ServerSentEvents().feed(data):
            if frame.data != DONE:
                self._send(frame.data.strip())

    def end(self) -> None:
        """The last event said so."""

    def abort(self) -> None:
        """The client has been told in the stream."""

    def _send(self, event: bytes) -> None:
        if ERROR.search(event, 0, ERROR_AT):
            event = as_session_error(event)
        self._link.send(event[:-1] + self._suffix if self._suffix else event)


def as_session_error(event: bytes) -> bytes:
    """Return an event; an error of a stream gets the status that one of a session has."""
    told = decoded_or_none(_error, event)
    if told is None or told.type != "error" or told.status is not None:
        return event
    flat = {"code": told.code, "status_code": told.status_code}
    status = status_in({**flat, **(told.error or {})})
    return b'{"status":%d,' % status + event.lstrip().removeprefix(b"{")


def suffix_of(stream_id: str | None) -> bytes:
    """Return the end of an object that names its lane; empty for the lane without a name."""
    return b"" if stream_id is None else b',"stream_id":"%b"}' % stream_id.encode()


def error_message(status: int, error: Mapping[str, object], retry_after: bytes | None) -> bytes:
    """Return the message about a request that failed. Open Responses wants a code in it."""
    fields = {**error, "code": error.get("code") or error.get("type")}
    if retry_after is not None:
        fields["headers"] = {"retry-after": retry_after.decode()}
    return msgspec.json.encode({"type": "error", "status": status, "error": fields})


def failure_message(failure: Failure, stream_id: str | None = None) -> bytes:
    """Return the message about a failure of the router."""
    after = None if failure.retry_after is None else b"%d" % math.ceil(failure.retry_after)
    message = error_message(failure.status, error_object(failure), after)
    return message[:-1] + suffix_of(stream_id) if stream_id is not None else message
