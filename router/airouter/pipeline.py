"""The order of a request: authenticate, resolve, admit, attempt, settle.

Both sides of it are interfaces of `wire.py`: the edge or the ASGI application hands in an
`Exchange`, a generation's targets are `Upstream`s. What is built for a whole snapshot is in
`generation.py`; the rules of choosing and trying again are in `routing/`.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from airouter import request_ids
from airouter.dialects import passthrough
from airouter.dialects.chat.stream import UsageHider, UsageReader
from airouter.dialects.usage import usage_of
from airouter.failures import (
    Failure,
    internal,
    model_not_found,
    no_backend,
    not_ready,
    upstream_unreachable,
)
from airouter.providers.headers import retry_after
from airouter.routing.retry import Budget, Tries
from airouter.routing.selection import Selection
from airouter.telemetry.record import Attempt, Record
from airouter.wire import UpstreamError

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from airouter.dialects.usage import Usage
    from airouter.generation import Generation, Target
    from airouter.limits import Limiter
    from airouter.routing.catalog import Backend, Route
    from airouter.routing.fail2ban import Bans
    from airouter.telemetry.recorder import Recorder
    from airouter.telemetry.tracing import Tracing
    from airouter.wire import Exchange, Headers, Reply

logger = logging.getLogger("airouter.pipeline")

FORWARDED = (b"openai-beta", b"idempotency-key")
RETURNED = (b"content-type", b"openai-processing-ms", b"openai-version")
LONGEST_REST = 3600.0
EVENT_STREAM = b"text/event-stream"


@dataclass(frozen=True)
class Door:
    """An endpoint that the pipeline serves: what it is called, and how it says that it failed."""

    path: str
    api: str
    operation: str
    """`Record.operation`."""
    error_headers: Callable[[Failure], Headers]
    error_body: Callable[[Failure], bytes]
    error_event: Callable[[Failure, bool], bytes]
    """A failure inside a stream; the flag says that the stream broke off inside an event."""


class Call:
    """One request on its way."""

    __slots__ = ("door", "exchange", "generation", "head", "record", "request")

    def __init__(self, exchange: Exchange, door: Door, record: Record) -> None:
        self.exchange = exchange
        self.door = door
        self.record = record
        self.generation: Generation
        """The one that the request started with, whatever is reloaded meanwhile."""
        self.request: passthrough.Request
        self.head: bytes
        """The header lines for the provider that are this request's own."""


@dataclass(frozen=True)
class Failed:
    """An attempt that gave the client nothing yet."""

    failure: Failure
    again: bool
    """Whether another attempt may mend it, and below, whether that may be at the same backend."""
    same: bool = True


class Pipeline:
    """Serves exchanges from the current generation, which `app.py` replaces on a reload."""

    def __init__(
        self,
        *,
        limiter: Limiter,
        bans: Bans,
        recorder: Recorder,
        tracing: Tracing,
        random: Random,
    ) -> None:
        self.generation: Generation | None = None
        """None until there is a valid snapshot."""
        self._limiter = limiter
        self._bans = bans
        self._recorder = recorder
        self._tracing = tracing
        self._random = random
        self._selection = Selection(bans, random)
        self._budget = Budget()

    async def serve(self, exchange: Exchange, door: Door) -> None:
        """Answer one request, whatever happens; only a cancellation gets out."""
        headers = exchange.headers
        name = request_ids.request_id(headers.get(request_ids.HEADER), self._random)
        record = Record(door.path, door.operation, name, monotonic())
        record.trace = self._tracing.begin(headers)
        call = Call(exchange, door, record)
        permit = None
        try:
            call.generation = generation = self.generation or self.current()
            principal = generation.keyring.authenticate(headers)
            record.principal = principal.name
            call.request = request = passthrough.parse(exchange.body)
            record.stream = request.stream
            route = generation.catalogs[door.api].resolve(request.model)
            if not principal.may_use(route.name):
                raise model_not_found(request.model)
            record.model = route.name
            permit = self._limiter.reserve(principal.name, route.name)
            await self._answer(call, route)
        except Failure as failure:
            self._refuse(call, failure)
        except asyncio.CancelledError:
            record.status = 499
            raise
        except Exception:
            logger.exception(
                "a request failed inside the router", extra={"request_id": record.request_id}
            )
            self._refuse(call, internal())
        finally:
            if permit is not None:
                permit.settle(record.input_tokens + record.output_tokens)
            record.ended = monotonic()
            self._recorder.add(record)

    def current(self) -> Generation:
        """What is served now. Raises `Failure` 503 while there is no valid configuration."""
        if self.generation is None:
            raise not_ready()
        return self.generation

    async def _answer(self, call: Call, route: Route[Target]) -> None:
        """Try the model, then its fallbacks. Raises the `Failure` of the last that was tried."""
        self._budget.deposit(call.generation.snapshot.retries.budget_percent)
        call.head = self._head(call)
        failed = await self._try(call, route)
        for fallback in route.fallbacks:
            if failed is None or not failed.again:
                break
            failed = await self._try(call, fallback)
        if failed is not None:
            failed.failure.exhausted = failed.again and len(call.record.attempts) > 1
            raise failed.failure

    async def _try(self, call: Call, route: Route[Target]) -> Failed | None:
        """Attempt one model as often as its policy allows; None when the client has its answer."""
        backend = self._selection.choose(route, monotonic())
        if backend is None:
            return Failed(no_backend(route.name), again=True)
        failed = await self._attempt(call, backend)
        if failed is None or not failed.again:
            return failed
        tries = self._tries(call, route, backend)
        while failed is not None and failed.again:
            following = tries.next(monotonic(), same=failed.same)
            if following is None:
                break
            pause, backend = following
            if pause > 0.0:
                await asyncio.sleep(pause)
            failed = await self._attempt(call, backend)
        return failed

    def _tries(self, call: Call, route: Route[Target], first: Backend[Target]) -> Tries[Target]:
        return Tries(
            route,
            first,
            call.generation.snapshot.retries,
            selection=self._selection,
            budget=self._budget,
            random=self._random,
        )

    async def _attempt(self, call: Call, backend: Backend[Target]) -> Failed | None:
        """Ask one backend; None when the client has an answer, be it one that broke off."""
        target = backend.target
        attempt = Attempt(backend.credential, backend.upstream_name, monotonic())
        call.record.attempts.append(attempt)
        backend.load.in_flight += 1
        reply: Reply | None = None
        try:
            head = target.account.head + call.head + self._trace_head(call, attempt)
            body = passthrough.render(call.request, target.model, target.edits)
            reply = await target.account.upstream.send(target.path, head, body)
            attempt.first_byte = monotonic()
            attempt.status = reply.status
            if not 200 <= reply.status < 300:
                return await self._refused(call, backend, reply)
            if reply.headers.get(b"content-type", b"").startswith(EVENT_STREAM):
                await self._relay(call, reply)
            else:
                await self._forward(call, reply)
        except UpstreamError as error:
            attempt.error = error.kind
            logger.debug("credential %s: %s", backend.credential, error)
            return Failed(upstream_unreachable(error.kind), again=True)
        else:
            return None
        finally:
            if reply is not None:
                reply.close()
            backend.load.in_flight -= 1
            attempt.ended = monotonic()
            self._bans.note(backend, attempt.status)

    async def _forward(self, call: Call, reply: Reply) -> None:
        """Pass a whole answer on."""
        body = await reply.read()
        note_usage(call.record, usage_of(body))
        call.exchange.respond(reply.status, self._returned(call, reply), body)
        note_start(call.record, reply.status)

    async def _relay(self, call: Call, reply: Reply) -> None:
        """Pass a stream on. Until its first piece nothing is sent, so another backend may do it.

        Raises `UpstreamError` for a stream that broke before that.
        """
        exchange = call.exchange

        def begin(data: bytes) -> None:
            note_start(call.record, reply.status)
            exchange.start(reply.status, self._returned(call, reply))
            tap.write = exchange.write
            exchange.write(data)

        hidden = call.request.stream and not call.request.include_usage
        tap = UsageHider(begin) if hidden else UsageReader(begin)
        exchange.source = reply
        try:
            await reply.relay(tap.feed)
        except UpstreamError as error:
            if not exchange.started:
                raise
            self._break_off(call, error, mid_event=tap.abandon())
            return
        finally:
            exchange.source = None
        note_usage(call.record, tap.finish())
        if not exchange.started:
            begin(b"")
        exchange.end()

    def _break_off(self, call: Call, error: UpstreamError, *, mid_event: bool) -> None:
        """Tell the client inside the stream that there will be no more."""
        call.record.attempts[-1].error = error.kind
        call.record.error = error.kind
        call.exchange.write(call.door.error_event(upstream_unreachable(error.kind), mid_event))
        call.exchange.end()

    async def _refused(self, call: Call, backend: Backend[Target], reply: Reply) -> Failed:
        """Make a failure of a provider's error."""
        account = backend.target.account
        failure = account.provider.failure(reply.status, await reply.read(), account.credential)
        failure.retry_after = retry_after(reply.headers)
        if failure.retry_after is not None:
            backend.rest(monotonic() + min(failure.retry_after, LONGEST_REST))
        own_fault = reply.status in {401, 403, 407}  # our key there is bad: another may be good
        again = own_fault or reply.status in call.generation.snapshot.retries.on_status
        return Failed(failure, again=again, same=not own_fault)

    def _refuse(self, call: Call, failure: Failure) -> None:
        """Answer with an error, or, where an answer has begun, cut it."""
        call.record.error = (failure.code or failure.type)[:64]  # a provider's own may be long
        if call.exchange.started:
            call.exchange.abort()
            return
        headers = call.door.error_headers(failure)
        headers.append((request_ids.HEADER, call.record.request_id.encode("latin-1")))
        call.exchange.respond(failure.status, headers, call.door.error_body(failure))
        note_start(call.record, failure.status)

    def _head(self, call: Call) -> bytes:
        head = f"x-request-id: {call.record.request_id}\r\n".encode("ascii")
        given = call.exchange.headers
        for name in FORWARDED:
            if name in given:
                head += b"%b: %b\r\n" % (name, given[name])
        return head

    def _trace_head(self, call: Call, attempt: Attempt) -> bytes:
        trace = call.record.trace
        if trace is not None:
            attempt.span_id = self._tracing.span_id()
        return self._tracing.propagate(call.exchange.headers, trace, attempt.span_id)

    def _returned(self, call: Call, reply: Reply) -> Headers:
        given = reply.headers
        headers = [(name, given[name]) for name in RETURNED if name in given]
        headers.append((request_ids.HEADER, call.record.request_id.encode("ascii")))
        return headers


def note_start(record: Record, status: int) -> None:
    """The first byte of an answer went out."""
    record.status = status
    record.first_byte = monotonic()


def note_usage(record: Record, usage: Usage | None) -> None:
    """What the provider counted."""
    if usage is not None:
        record.input_tokens = usage.prompt_tokens or 0
        record.output_tokens = usage.completion_tokens or 0
        record.cached_tokens = usage.cached_tokens
        record.reasoning_tokens = usage.reasoning_tokens
