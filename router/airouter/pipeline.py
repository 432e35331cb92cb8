"""The order of a request: authenticate, resolve, admit, attempt, settle.

Both sides of it are in `interfaces.py`: the edge or the ASGI application hands in an `Exchange`,
the targets of a `ServingState` are `Upstream`s. What is handed from station to station is in
`request_context.py`, what is built for a whole snapshot in `serving.py`; the rules of choosing and
trying again are in `routing/`.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from airouter import request_ids
from airouter.dialects.client_request import parse_client_request
from airouter.failures import (
    Failure,
    internal,
    made_elsewhere,
    model_not_found,
    no_backend,
    not_ready,
    sessions_only,
    upstream_unreachable,
)
from airouter.interfaces import BrokenReply, UpstreamError, UpstreamRefused
from airouter.providers.base import AUTHENTICATION_FAILED, without_identifiers
from airouter.request_context import (
    CONTENT_TYPE,
    EVENT_STREAM,
    Failed,
    RequestContext,
    forwarded,
    ids_of,
    note_failure,
    note_start,
    note_usage,
    returned,
    streams,
)
from airouter.routing.retry import Budget, Tries
from airouter.routing.selection import Selection
from airouter.telemetry.provider_warnings import ProviderWarnings
from airouter.telemetry.record import Attempt, RequestRecord
from airouter.upstream.batch import buffered, send_all

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from airouter.auth import Principal
    from airouter.interfaces import BufferedReply, Exchange, Reply
    from airouter.limits import Limiter
    from airouter.request_context import Endpoint, Prepare
    from airouter.routing.catalog import Backend, Route
    from airouter.routing.fail2ban import Bans
    from airouter.serving import ServingState, Target
    from airouter.telemetry.recorder import Recorder
    from airouter.telemetry.tracing import Tracing
    from airouter.upstream.fetching import Fetcher

logger = logging.getLogger("airouter.pipeline")

LONGEST_REST = 3600.0
JSON = b"application/json"
VERSION_HEADER = b"anthropic-version"
NOT_HERE = frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter"})
"""What another backend may be able to do."""


class Pipeline:
    """Serves exchanges from the current `ServingState`, which `app.py` replaces on a reload."""

    def __init__(
        self,
        *,
        limiter: Limiter,
        bans: Bans,
        fetcher: Fetcher,
        recorder: Recorder,
        tracing: Tracing,
        random: Random,
    ) -> None:
        self.serving: ServingState | None = None
        """None until there is a valid snapshot."""
        self._limiter = limiter
        self._bans = bans
        self._fetcher = fetcher
        self._recorder = recorder
        self._tracing = tracing
        self._random = random
        self._selection = Selection(bans, random)
        self._budget = Budget()
        self._complaints = ProviderWarnings()

    async def serve(
        self, exchange: Exchange, endpoint: Endpoint, prepare: Prepare | None = None
    ) -> None:
        """Answer one request, whatever happens; only a cancellation gets out."""
        headers = exchange.headers
        name = request_ids.request_id(headers.get(request_ids.HEADER), self._random)
        record = RequestRecord(endpoint.path, endpoint.operation, name, monotonic())
        record.trace = self._tracing.begin(headers)
        call = RequestContext(exchange, endpoint, record)
        permit = None
        try:
            call.serving = serving = self.serving or self.current()
            principal = serving.keyring.authenticate(headers)
            record.principal = principal.name
            call.request = request = parse_client_request(exchange.body)
            request.version = headers.get(VERSION_HEADER, b"").decode("latin-1")
            record.stream = request.stream
            route = serving.catalogs[endpoint.api].resolve(request.model)
            if not principal.may_use(route.name):
                raise model_not_found(request.model)
            record.model = route.name
            permit = self._limiter.reserve(principal.name, route.name)
            if prepare is None:
                await self._answer(call, route)
            else:
                await self._answer_prepared(call, route, principal, prepare)
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

    def current(self) -> ServingState:
        """What is served now. Raises `Failure` 503 while there is no valid configuration."""
        if self.serving is None:
            raise not_ready()
        return self.serving

    async def _answer_prepared(
        self, call: RequestContext, route: Route[Target], principal: Principal, prepare: Prepare
    ) -> None:
        """Answer a request that may go on from an earlier one."""
        prepared = await prepare(
            call.exchange,
            principal,
            call.request,
            route.model,
            api=call.endpoint.api,
            native=route.native,
        )
        if prepared is None:
            note_start(call.record, 200)
            return
        call.exchange, call.carrier = prepared.exchange, prepared.carrier
        if prepared.pin is not None:
            route = route.only(prepared.pin)
            if not route.backends:
                raise made_elsewhere(route.name)
        elif prepared.preferred is not None:
            route = route.preferring(prepared.preferred)
        await self._answer(call, route)
        if prepared.settle is not None:
            await prepared.settle()

    async def _answer(self, call: RequestContext, route: Route[Target]) -> None:
        """Try the model, then its fallbacks. Raises the `Failure` of the last that was tried."""
        self._budget.deposit(call.serving.snapshot.retries.budget_percent)
        call.head = f"x-request-id: {call.record.request_id}\r\n".encode("ascii")
        failed = await self._try(call, route)
        if failed is not None and failed.again:
            failed = await self._try_fallbacks(call, route, failed)
        if failed is not None:
            failed.failure.exhausted = failed.again and len(call.record.attempts) > 1
            raise failed.failure

    async def _try_fallbacks(
        self, call: RequestContext, route: Route[Target], failed: Failed
    ) -> Failed | None:
        """Attempt the models that may answer instead, after one that `failed`."""
        catalog = call.serving.catalogs[call.endpoint.api]
        for fallback in catalog.fallbacks_of(route):
            following = await self._try(call, fallback)
            if following is None or not following.again:
                return following
            failed = following
        return failed

    async def _try(self, call: RequestContext, route: Route[Target]) -> Failed | None:
        """Attempt one model as often as its policy allows; None when the client has its answer."""
        backend = self._selection.choose(route, monotonic())
        if backend is None:
            absent = sessions_only if route.sessions_only else no_backend
            return Failed(absent(route.name), again=True)
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

    def _tries(
        self, call: RequestContext, route: Route[Target], first: Backend[Target]
    ) -> Tries[Target]:
        return Tries(
            route,
            first,
            call.serving.snapshot.retries,
            selection=self._selection,
            budget=self._budget,
            random=self._random,
        )

    async def _attempt(self, call: RequestContext, backend: Backend[Target]) -> Failed | None:
        """Ask one backend; None when the client has an answer, be it one that broke off."""
        target = backend.target
        try:
            bodies = await self._encode(call, target)
        except Failure as failure:
            return Failed(failure, again=failure.code in NOT_HERE, same=False)
        if not bodies:
            self._answer_here(call, target)
            return None
        attempt = Attempt(backend.credential, backend.upstream_name, monotonic())
        call.record.attempts.append(attempt)
        backend.load.in_flight += 1
        try:
            head = call.head + forwarded(call, target) + self._trace_head(call, attempt)
            if len(bodies) > 1:
                return await self._ask_all(call, backend, head, bodies)
            return await self._ask(call, backend, head, bodies[0])
        except UpstreamRefused as refused:
            attempt.error = refused.kind
            return self._failed(call, backend, refused.failure)
        except UpstreamError as error:
            attempt.error = error.kind
            self._complaints.note(backend.credential, error.kind, error)
            return Failed(upstream_unreachable(error.kind), again=True)
        finally:
            backend.load.in_flight -= 1
            attempt.ended = monotonic()
            self._bans.note(backend, attempt.status)

    async def _encode(self, call: RequestContext, target: Target) -> list[bytes]:
        """The bodies for a provider. Raises `Failure` 400."""
        request, translation = call.request, target.translation
        missing = [url for url in translation.fetches(request) if url not in request.fetched]
        if missing:
            request.fetched |= await self._fetcher.fetch_all(missing)
        return translation.encode(request)

    async def _ask(
        self, call: RequestContext, backend: Backend[Target], head: bytes, body: bytes
    ) -> Failed | None:
        """One call of a provider, and its answer for the client. Raises `UpstreamError`."""
        target, attempt = backend.target, call.record.attempts[-1]
        call.request.credential = backend.credential
        path = target.stream_path if call.request.stream else target.path
        reply = await target.account.send(path, head, body, call.carrier)
        try:
            attempt.first_byte = monotonic()
            attempt.status = reply.status
            if not 200 <= reply.status < 300:
                return self._refused(call, backend, await buffered(reply))
            if streams(call, target, reply):
                await self._relay(call, target, reply)
                return None
            return self._forward(call, backend, [await buffered(reply)])
        finally:
            reply.close()

    async def _ask_all(
        self, call: RequestContext, backend: Backend[Target], head: bytes, bodies: list[bytes]
    ) -> Failed | None:
        """Several calls of a provider that make one answer. Raises `UpstreamError`."""
        target, attempt = backend.target, call.record.attempts[-1]
        answers = await send_all(lambda body: target.account.send(target.path, head, body), bodies)
        attempt.first_byte = monotonic()
        failed = next((each for each in answers if not 200 <= each.status < 300), None)
        attempt.status = (failed or answers[0]).status
        if failed is not None:
            return self._refused(call, backend, failed)
        return self._forward(call, backend, answers)

    def _forward(
        self, call: RequestContext, backend: Backend[Target], answers: Sequence[BufferedReply]
    ) -> Failed | None:
        """Give the client a whole answer. Raises `UpstreamError` for one that cannot be read."""
        target = backend.target
        try:
            given = target.translation.answer(call.request, answers)
        except Failure as failure:
            return self._failed(call, backend, failure)
        note_usage(call.record, given.usage)
        headers = returned(call, target, answers[0].headers, JSON)
        call.exchange.respond(answers[0].status, headers, given.body)
        note_start(call.record, answers[0].status)
        return None

    def _answer_here(self, call: RequestContext, target: Target) -> None:
        """What no provider needs to be asked for."""
        given = target.translation.answer(call.request, ())
        headers = [(CONTENT_TYPE, JSON), *target.translation.headers, *ids_of(call)]
        call.exchange.respond(200, headers, given.body)
        note_start(call.record, 200)

    async def _relay(self, call: RequestContext, target: Target, reply: Reply) -> None:
        """Pass a stream on. Until its first piece nothing is sent, so another backend may do it.

        Raises `UpstreamError` for a stream that broke before that.
        """
        exchange = call.exchange

        def begin(data: bytes) -> None:
            note_start(call.record, reply.status)
            headers = returned(call, target, reply.headers, EVENT_STREAM)
            exchange.start(reply.status, headers)
            stream_filter.write = exchange.write
            exchange.write(data)

        stream_filter = target.translation.stream_filter(call.request, begin)
        exchange.source = reply
        try:
            await reply.relay(stream_filter.feed)
            usage = stream_filter.finish()
            if not exchange.started:
                raise BrokenReply("the upstream's stream is empty")
        except UpstreamError as error:
            if not exchange.started:
                raise
            attempt = call.record.attempts[-1]
            attempt.error = call.record.error = error.kind
            self._complaints.note(attempt.credential, error.kind, error)
            stream_filter.break_off(upstream_unreachable(error.kind))
            exchange.end()
            return
        finally:
            exchange.source = None
        note_usage(call.record, usage)
        if stream_filter.failure is not None:
            note_failure(call.record, stream_filter.failure)
        exchange.end()

    def _refused(
        self, call: RequestContext, backend: Backend[Target], answer: BufferedReply
    ) -> Failed:
        """Make a failure of a provider's error."""
        account = backend.target.account
        failure = account.provider.failure(
            answer.status, answer.headers, answer.body, account.credential
        )
        if failure.retry_after is not None:
            backend.rest(monotonic() + min(failure.retry_after, LONGEST_REST))
        failed = self._failed(call, backend, failure)
        on_status = call.serving.snapshot.retries.on_status
        return replace(failed, again=failed.again or answer.status in on_status)

    def _failed(self, call: RequestContext, backend: Backend[Target], failure: Failure) -> Failed:
        """Whether another attempt may mend it: not the same account if it refuses our key."""
        failure.message = without_identifiers(failure.message, backend.target.account.credential)
        own_fault = failure.code == AUTHENTICATION_FAILED
        again = own_fault or failure.status in call.serving.snapshot.retries.on_status
        return Failed(failure, again=again, same=not own_fault)

    def _refuse(self, call: RequestContext, failure: Failure) -> None:
        """Answer with an error, or, where an answer has begun, cut it."""
        call.record.error = (failure.code or failure.type)[:64]  # a provider's own may be long
        if call.exchange.started:
            call.exchange.abort()
            return
        headers = [*call.endpoint.error_headers(failure), *ids_of(call)]
        status = call.endpoint.error_status(failure)
        call.exchange.respond(status, headers, call.endpoint.error_body(failure))
        note_start(call.record, status)

    def _trace_head(self, call: RequestContext, attempt: Attempt) -> bytes:
        trace = call.record.trace
        if trace is not None:
            attempt.span_id = self._tracing.span_id()
        return self._tracing.propagate(call.exchange.headers, trace, attempt.span_id)
