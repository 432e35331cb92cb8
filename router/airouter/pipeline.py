"""The order of a request: authenticate, resolve, admit, attempt, settle.

Both sides of it are in `interfaces.py`: the edge or the ASGI application hands in an `Exchange`,
the targets of a `ServingState` are `Upstream`s. The stations hand on a `RequestContext`; what is
built for a whole snapshot is in `serving/`. `routing/walk.py` says which backend is tried next,
`attempts/attempt.py` tries it.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from airouter import request_ids
from airouter.attempts.attempt import refuses_prefill
from airouter.attempts.headers import VERSION_HEADER, id_headers, start_silently
from airouter.attempts.hedging import run_hedged
from airouter.dialects.claude.betas import BETA_HEADER
from airouter.dialects.client_request import parse_client_request, parse_large_request
from airouter.eventloop.aside import LARGE
from airouter.failures import (
    Failure,
    drop_frames,
    internal,
    made_elsewhere,
    none_answered,
    not_ready,
)
from airouter.limits import FREE
from airouter.limits.headers import limit_headers
from airouter.request_context import RequestContext
from airouter.routing.affinity import StickyConversation
from airouter.routing.conversation_key import conversation_key
from airouter.routing.nearness import no_such_model
from airouter.routing.outcome import Retry
from airouter.routing.walk import Walk
from airouter.spending import hand_over, reserve_money, settle_money, settle_tokens
from airouter.streaming.heartbeats import ClientStream, Heartbeats
from airouter.telemetry.http_details import http_details
from airouter.telemetry.record import BanEvent, RequestRecord
from airouter.traced import describe, observe_answer

if TYPE_CHECKING:
    from random import Random

    from airouter.attempts.attempt import AttemptRunner
    from airouter.auth import Principal
    from airouter.bans.notice import Ban
    from airouter.bounds.held_bytes import HeldBytes
    from airouter.dialects.joining.joined_answer import JoinedAnswer
    from airouter.endpoint import Endpoint
    from airouter.eventloop.aside import Aside
    from airouter.interfaces import Exchange
    from airouter.limits.shared_limits import SharedLimits
    from airouter.prepared import Prepare
    from airouter.routing.catalog import Backend, Route
    from airouter.routing.outcome import AttemptOutcome
    from airouter.routing.walk import Failover
    from airouter.serving.state import ServingState
    from airouter.serving.target import Target
    from airouter.telemetry.recorder import Recorder
    from airouter.telemetry.tracing import Tracing

logger = logging.getLogger("airouter.pipeline")

CONVERSING = frozenset({"chat", "messages", "responses", "session"})
"""APIs whose requests are turns of conversations."""
SESSION = "session"
"""The API of turns of a WebSocket."""


class Pipeline:
    """Serves exchanges from the current `ServingState`, which `app.py` replaces on a reload."""

    def __init__(
        self,
        *,
        limits: SharedLimits,
        failover: Failover,
        attempts: AttemptRunner,
        recorder: Recorder,
        tracing: Tracing,
        random: Random,
        aside: Aside,
        held: HeldBytes,
    ) -> None:
        self.serving: ServingState | None = None
        """None until there is a valid snapshot."""
        self._limiter = limits.limiter
        self._budgets = limits.budgets
        self._failover = failover
        self._attempts = attempts
        self.heartbeats = Heartbeats()
        self.recorder = recorder
        self._tracing = tracing
        self._random = random
        self._aside = aside
        self._held = held

    async def serve(
        self,
        exchange: Exchange,
        endpoint: Endpoint,
        prepare: Prepare | None = None,
        refusal: Failure | None = None,
    ) -> None:
        """Answer one request, whatever happens; only a cancellation gets out.

        `refusal` is the answer to one that was not let in at its head.
        """
        record = self._begin(exchange, endpoint)
        context = RequestContext(exchange, endpoint, record)
        try:
            if refusal is not None:
                raise refusal
            principal = self._authenticate(context)
            body = exchange.body
            context.request = (
                parse_client_request(body)
                if len(body) <= LARGE
                else await self._aside.run(partial(parse_large_request, body))
            )
            route = self._resolve(context, principal)
            refused = self._reserve(context, principal, route.name)
            if refused is not None:
                await self._reserve_later(context, principal, route.name, refused)
            budgets = self._budgets
            if (
                budgets.are_declared
                and not endpoint.is_free
                and (waits := reserve_money(budgets, self._limiter, context, route))
            ):
                await waits
            if prepare is None:
                await self._attempt(context, route)
            else:
                await self._attempt_prepared(context, route, principal, prepare)
        except Failure as failure:
            self._refuse(context, failure)
            drop_frames(failure)
        except asyncio.CancelledError:
            record.status = 499
            raise
        except Exception as error:
            logger.exception(
                "a request failed inside the router", extra={"request_id": record.request_id}
            )
            self._refuse(context, internal())
            drop_frames(error)
        finally:
            if context.stream is not None:
                self.heartbeats.forget(context.stream)
                context.stream = None  # which has the context
            self._settle(context)
            record.ended = monotonic()
            if record.trace is not None:
                describe(record.trace, context)
            self.recorder.add(record)

    def _begin(self, exchange: Exchange, endpoint: Endpoint) -> RequestRecord:
        """Open the record of a request, and its trace, if it has one."""
        headers = exchange.headers
        id_ = request_ids.request_id(headers.get(request_ids.HEADER), self._random)
        record = RequestRecord(endpoint.path, endpoint.operation, id_, monotonic())
        record.trace = self._tracing.begin(headers)
        if record.trace is not None:
            record.trace.http = http_details(exchange)
        if endpoint.api == SESSION:
            record.session, record.method = True, "GET"
        record.is_part = exchange.is_part
        return record

    def current(self) -> ServingState:
        """Return what is served now. Raises `Failure` 503 without a valid configuration."""
        if self.serving is None:
            raise not_ready()
        return self.serving

    def _authenticate(self, context: RequestContext) -> Principal:
        """Find out whose request it is. Raises `Failure` 401, 503."""
        context.serving = serving = self.current()
        principal = serving.keyring.authenticate(context.exchange.headers)
        context.record.principal, context.tenant = principal.name, principal.tenant
        return principal

    def _resolve(self, context: RequestContext, principal: Principal) -> Route[Target]:
        """Find the model that is asked for. Raises `Failure` 404."""
        exchange, record = context.exchange, context.record
        request = context.request
        if context.endpoint.check is not None:
            context.endpoint.check(request)
        headers = exchange.headers
        if VERSION_HEADER in headers:
            request.version = headers[VERSION_HEADER].decode("latin-1")
        if BETA_HEADER in headers:
            request.betas = headers[BETA_HEADER].decode("latin-1")
        record.stream = request.stream
        context.joins = request.stream and context.serving.snapshot.retries.joins_streams
        route = context.serving.catalogs[context.endpoint.api].find(request.model)
        if route is None or not principal.may_use(route.name):
            models = context.serving.snapshot.models
            raise no_such_model(request.model, models, principal.may_use)
        record.model = route.name
        return route

    def _reserve(self, context: RequestContext, principal: Principal, model: str) -> Failure | None:
        """Take what the request needs of its client's limits; return the refusal, if there is one.

        Nearly no request waits for a limit, so none pays for a coroutine.
        """
        try:
            is_part = context.exchange.is_part
            context.permit = self._limiter.reserve(
                principal.tenant, model, context.request, is_part=is_part
            )
        except Failure as refused:
            drop_frames(refused)
            return refused
        return None

    async def _reserve_later(
        self, context: RequestContext, principal: Principal, model: str, refused: Failure
    ) -> None:
        """Take it once there is room, if the client waits for that. Raises `Failure` 429."""
        limiter, request, tenant = self._limiter, context.request, principal.tenant
        context.permit = limiter.refused(tenant, model)
        is_part = context.exchange.is_part
        context.permit = await limiter.reserve_later(
            tenant, model, request, refused, is_part=is_part
        )

    def _settle(self, context: RequestContext) -> None:
        """Charge the client for what it got: nothing where nobody had an answer for it.

        What was kept for the request is let go.
        """
        permit, record = context.permit, context.record
        if context.holding is not None:
            context.holding.release()
        if context.spending is not None:
            settle_money(context.spending, context)
        if permit is FREE:
            return
        if record.status == 429 or record.status >= 500:
            permit.give_back()
        else:
            settle_tokens(permit, context)

    async def _attempt_prepared(
        self, context: RequestContext, route: Route[Target], principal: Principal, prepare: Prepare
    ) -> None:
        """Answer a request that may go on from an earlier one. Raises `Failure`."""
        catalog = context.serving.catalogs[context.endpoint.api]
        client, began = context.exchange, monotonic()
        prepared = await prepare(
            client,
            principal,
            context.request,
            route.model,
            context.kept(self._held),
            partial(hand_over, context.permit, context.spending),
            api=context.endpoint.api,
            native=route.native,
            foreign=any(not each.native for each in catalog.fallbacks_of(route)),
        )
        if prepared is None:
            context.record.waited = monotonic() - began
            context.record.note_start(200)
            return
        context.exchange, context.carrier = prepared.exchange, prepared.carrier
        context.joins = context.joins and not prepared.has_state
        if prepared.pin is not None:
            route = route.only(prepared.pin)
            if not route.backends:
                raise made_elsewhere(route.name)
        elif prepared.preferred is not None:
            route = route.preferring(prepared.preferred)
        try:
            await self._attempt(context, route)
            if prepared.settle is not None:
                await prepared.settle()
        except Exception:
            context.exchange = client  # what is prepared holds the end of an answer back
            raise

    def _watch(self, context: RequestContext, route: Route[Target]) -> None:
        """Have the client of a stream get signs of life until it has its answer."""
        every = context.serving.snapshot.retries.heartbeat if context.exchange.beats else 0.0
        context.stream = ClientStream(
            context.exchange,
            partial(start_silently, context),
            context.endpoint.stream.heartbeat,
            every,
            context.record.started,
            max((each.target.first_token for each in route.backends), default=0.0),
        )
        self.heartbeats.watch(context.stream)

    async def _attempt(self, context: RequestContext, route: Route[Target]) -> None:
        """Try backends until the client has an answer. Raises the `Failure` of the last of them."""
        record, serving = context.record, context.serving
        if record.trace is not None:
            observe_answer(record.trace, context)
        if context.request.stream:
            self._watch(context, route)
        context.head = b"x-request-id: " + record.request_id.encode("ascii") + b"\r\n"
        catalog = serving.catalogs[context.endpoint.api]
        context.route = route
        context.conversation = conversation = sticky_conversation(context, route)
        walk = Walk(self._failover, route, serving.snapshot.retries, catalog, conversation)
        outcome: AttemptOutcome | None = None
        hedge = serving.snapshot.retries.hedge
        backend: Backend[Target] | None = None
        while (step := walk.next(outcome, monotonic(), backend)) is not None:
            pause, backend = step
            if pause > 0.0:
                await asyncio.sleep(pause)
            if hedge is None or (context.stream is not None and context.stream.said):
                outcome = await self._attempts.run(context, backend)
                if context.joins and refuses_prefill(context, outcome):
                    outcome = await self._attempts.run(context, backend)
            else:
                backend, outcome = await run_hedged(self._attempts, context, walk, backend, hedge)
        if walk.bans:
            record.bans = [ban_event(at, ban) for at, ban in walk.bans]
        failure = walk.outcome.failure
        if failure is not None:
            failure = none_answered(failure, record.backends_tried)
            failure.exhausted = walk.outcome.retry is not Retry.NOWHERE and len(record.attempts) > 1
            if context.stream is None or context.stream.joined is None:
                raise failure
            self._break_off(context, context.stream.joined, failure)

    def _break_off(self, context: RequestContext, joined: JoinedAnswer, failure: Failure) -> None:
        """Tell a client, in its stream, that no backend can go on with it."""
        context.record.note_error(failure)
        context.exchange.write(joined.broken_off(failure))
        context.exchange.end()

    def _refuse(self, context: RequestContext, failure: Failure) -> None:
        """Answer with an error, or, where an answer has begun, cut it."""
        endpoint, exchange = context.endpoint, context.exchange
        context.record.note_error(failure)
        if exchange.started:
            if context.stream is not None and not context.stream.said:
                exchange.write(endpoint.stream.error_event(failure))
                exchange.end()
            else:
                exchange.abort()
            return
        headers = [*endpoint.error_headers(failure), *id_headers(context)]
        headers += limit_headers(context.permit.own, endpoint.dialect)
        status = endpoint.error_status(failure)
        exchange.respond(status, headers, endpoint.error_body(failure))
        context.record.note_start(status)


def sticky_conversation(context: RequestContext, route: Route[Target]) -> StickyConversation | None:
    """Return the conversation that is to stay with its backend; None where none is."""
    stickiness = context.serving.snapshot.stickiness
    if not route.several or not stickiness.enabled or context.endpoint.api not in CONVERSING:
        return None
    key = conversation_key(context.exchange.headers, context.request.fields)
    return None if key is None else StickyConversation(key, stickiness.ttl)


def ban_event(at: float, ban: Ban) -> BanEvent:
    """Return a ban as the record of a request has it."""
    return BanEvent(at, ban.credential, ban.upstream_name, ban.reason, ban.seconds or 0.0)
