"""One attempt at a backend: encode, send, relay or forward, classify.

`pipeline.py` asks for attempts, in the order that `routing/walk.py` gives. However an attempt ends,
its result is one `AttemptOutcome`: what a provider, a connection or a translation raises goes no
further.
"""

from __future__ import annotations

import asyncio
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from airouter.attempts.classifying import classify, lacks_api, refused_by, status_of, unanswered
from airouter.attempts.encoding import encoded, encoded_large
from airouter.attempts.error_body import read_error
from airouter.attempts.forward import NO_STREAM, forward
from airouter.attempts.headers import (
    CONTENT_TYPE,
    JSON,
    id_headers,
    is_streamed,
    upstream_head,
)
from airouter.attempts.relay import StreamRelay
from airouter.bounds.held_bytes import OF_A_BODY
from airouter.dialects.joining.joined_answer import JoinedAnswer
from airouter.eventloop.aside import LARGE
from airouter.failures import Failure, cannot_go_on, drop_frames
from airouter.interfaces import (
    BrokenReply,
    BufferedReply,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
)
from airouter.limits import FREE
from airouter.limits.headers import limit_headers
from airouter.providers.headers import headroom
from airouter.routing.outcome import ANSWERED, AttemptOutcome, Retry
from airouter.spending import missing_for, settle_attempt
from airouter.telemetry.record import Attempt
from airouter.upstream.batch import send_all

if TYPE_CHECKING:
    from asyncio import Timeout

    from airouter.bounds.answers_in_hand import AnswersInHand
    from airouter.bounds.held_bytes import HeldBytes
    from airouter.dialects.translation.base import Translation
    from airouter.eventloop.aside import Aside
    from airouter.interfaces import Reply
    from airouter.limits import Limiter, Permit
    from airouter.limits.counters import Counters
    from airouter.request_context import RequestContext
    from airouter.routing.catalog import Backend
    from airouter.serving.account import Account
    from airouter.serving.target import Target
    from airouter.telemetry.provider_warnings import ProviderWarnings
    from airouter.telemetry.tracing import Tracing
    from airouter.upstream.fetching import Fetcher

NOT_HERE = frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter"})
"""Codes of refusals of ours that another backend may not have."""


class AttemptRunner:
    """Makes attempts. Lives as long as the process."""

    def __init__(
        self,
        fetcher: Fetcher,
        tracing: Tracing,
        warnings: ProviderWarnings,
        aside: Aside,
        limiter: Limiter,
        held: HeldBytes,
        in_hand: AnswersInHand,
    ) -> None:
        self._fetcher = fetcher
        self._limiter = limiter
        self._aside = aside
        self._held = held
        self._in_hand = in_hand
        self._tracing = tracing
        self._warnings = warnings

    async def run(self, context: RequestContext, backend: Backend[Target]) -> AttemptOutcome:
        """Ask one backend, and give the client its answer. Only a cancellation gets out."""
        target, request = backend.target, context.request
        try:
            if context.joins:
                join(context, target)
            if len(request.body) > LARGE:
                bodies = await self._encoded_aside(context, target.translation)
            else:
                missing, bodies = encoded(target.translation, request)
                if missing:
                    await self._fetch(context, missing)
                    _, bodies = encoded(target.translation, request)
        except Failure as failure:
            drop_frames(failure)
            mendable = failure.code in NOT_HERE
            retry = Retry.ELSEWHERE if mendable else Retry.NOWHERE
            return AttemptOutcome(failure, retry, unasked=True)
        if not bodies:
            answer_unasked(context, target.translation)
            return ANSWERED
        spending = context.spending
        if spending is not None and (more := missing_for(spending, context, target)) > 0:
            try:
                await spending.add(more)
            except Failure as refused:
                drop_frames(refused)
                return AttemptOutcome(refused, Retry.ELSEWHERE, unasked=True)
        if backend.limits is None:
            return await self._call(context, backend, bodies)
        return await self._call_within_limits(context, backend, backend.limits, bodies)

    async def _encoded_aside(
        self, context: RequestContext, translation: Translation
    ) -> list[bytes]:
        """Return the bodies of a large request, made beside the loop. Raises `Failure`."""
        encode = partial(encoded_large, translation, context.request)
        missing, bodies = await self._aside.run(encode)
        if missing:
            await self._fetch(context, missing)
            _, bodies = await self._aside.run(encode)
        return bodies

    async def _fetch(self, context: RequestContext, urls: list[str]) -> None:
        """Fetch what a provider wants as bytes. Raises `Failure`."""
        hold = partial(context.kept(self._held).grow, copies=OF_A_BODY)
        principal = context.record.principal
        context.request.fetched |= await self._fetcher.fetch_all(urls, principal, hold)

    async def _call_within_limits(
        self,
        context: RequestContext,
        backend: Backend[Target],
        counters: Counters,
        bodies: list[bytes],
    ) -> AttemptOutcome:
        """Ask a backend that has limits, if they have room for it."""
        record, limiter = context.record, self._limiter
        asked = counters, record.model, context.request, context.permit.estimate
        try:
            permit = limiter.reserve_attempt(*asked)
        except Failure as refused:
            drop_frames(refused)
            try:
                permit = await limiter.reserve_attempt_later(*asked, refused)
            except Failure as failure:
                drop_frames(failure)
                return AttemptOutcome(failure, Retry.ELSEWHERE, unasked=True)
        return await self._call(context, backend, bodies, permit)

    async def _call(
        self,
        context: RequestContext,
        backend: Backend[Target],
        bodies: list[bytes],
        permit: Permit = FREE,
    ) -> AttemptOutcome:
        """Ask a backend, and give the client its answer; `permit` is that of its limits."""
        if context.race is not None and context.race.is_decided:
            permit.give_back()  # nobody is asked for what another one answers by now
            raise asyncio.CancelledError
        target = backend.target
        attempt = Attempt(
            backend.credential, backend.upstream_name, monotonic(), price=target.price
        )
        context.record.attempts.append(attempt)
        if context.race is not None:
            context.race.enter(context, attempt)
        backend.load.in_flight += 1
        try:
            head = context.head + upstream_head(context, target)
            head += self._trace_head(context, target, attempt)
            if context.request.stream and target.first_token:
                return await self._ask_in_time(context, target, attempt, head, bodies)
            return await self._ask(context, target, attempt, head, bodies)
        except UpstreamRefused as refused:
            attempt.error = refused.kind
            drop_frames(refused)
            return classify(context, target, refused.failure)
        except UpstreamError as error:
            attempt.error = error.kind
            reason = target.account.masking.text(str(error))
            self._warnings.note(backend.credential, error.kind, reason)
            drop_frames(error)
            return unanswered(error)
        finally:
            backend.load.in_flight -= 1
            attempt.ended = monotonic()
            if permit is not FREE:
                settle_attempt(permit, context, attempt)

    async def _ask_in_time(
        self,
        context: RequestContext,
        target: Target,
        attempt: Attempt,
        head: bytes,
        bodies: list[bytes],
    ) -> AttemptOutcome:
        """Call a provider whose stream has to say something in time. Raises `UpstreamError`."""
        seconds = target.first_token
        try:
            async with asyncio.timeout(seconds) as limit:
                return await self._ask(context, target, attempt, head, bodies, limit)
        except TimeoutError:
            what = f"the upstream said nothing within {seconds:g} s"
            raise UpstreamTimeout(what, seconds) from None

    async def _ask(
        self,
        context: RequestContext,
        target: Target,
        attempt: Attempt,
        head: bytes,
        bodies: list[bytes],
        limit: Timeout | None = None,
    ) -> AttemptOutcome:
        """Call a provider, most often once. Raises `UpstreamError`."""
        if len(bodies) > 1:
            return await self._ask_all(context, target, attempt, head, bodies)
        context.request.credential = attempt.credential
        streamed = context.request.stream
        path = target.stream_path if streamed else target.path
        account = target.account
        carrier, conversation = context.carrier, context.conversation
        reply = await account.send(path, head, bodies[0], carrier, conversation, streamed=streamed)
        try:
            attempt.first_byte = monotonic()
            attempt.status = reply.status
            note_headroom(account, attempt, reply)
            answers = 200 <= reply.status < 300
            if answers and is_streamed(context, target, reply):
                return await self._relay(context, target, reply, limit)
            if answers and context.stream is not None and context.stream.said:
                raise BrokenReply(NO_STREAM)  # the whole would repeat what the client has
            with self._in_hand.of(context.tenant) as in_hand:
                read = reply.read if answers else partial(read_error, reply)
                whole = BufferedReply(reply.status, reply.headers, await read(in_hand))
                if answers:
                    return await forward(context, target, [whole], self._aside)
            estimate = target.translation.estimate
            if estimate is None or not lacks_api(whole):
                return refused_by(context, target, whole, self._warnings)
            answer_unasked(context, estimate)
            return ANSWERED
        finally:
            reply.close()

    async def _ask_all(
        self,
        context: RequestContext,
        target: Target,
        attempt: Attempt,
        head: bytes,
        bodies: list[bytes],
    ) -> AttemptOutcome:
        """Call a provider several times for one answer. Raises `UpstreamError`."""
        send = partial(target.account.send, target.path, head)
        with self._in_hand.of(context.tenant) as in_hand:
            answers = await send_all(send, bodies, in_hand)
            attempt.first_byte = monotonic()
            refused = next((each for each in answers if not 200 <= each.status < 300), None)
            attempt.status = (refused or answers[0]).status
            if refused is not None:
                return refused_by(context, target, refused, self._warnings)
            return await forward(context, target, answers, self._aside)

    async def _relay(
        self, context: RequestContext, target: Target, reply: Reply, limit: Timeout | None
    ) -> AttemptOutcome:
        """Pass a stream on. Raises `UpstreamError` for one that another backend may give."""
        relay = StreamRelay(context, target, reply, limit)
        stream = context.stream
        if stream is None:
            error = await relay.run()
        else:
            stream.relay = relay
            try:
                error = await relay.run()
            finally:
                if stream.relay is relay:
                    stream.relay = None
        if error is not None:
            joined = context.request.joined
            if joined is not None and joined.seam.can_go_on:
                raise error
            record = context.record
            attempt = record.attempts[-1]
            attempt.error = error.kind
            reason = target.account.masking.text(str(error))
            self._warnings.note(attempt.credential, error.kind, reason)
            if joined is None or not joined.seam.can_end:
                record.error = error.kind
            relay.break_off(error)
            drop_frames(error)
            return AttemptOutcome(status=status_of(error), kind=error.kind)
        failure = relay.failure
        return ANSWERED if failure is None else AttemptOutcome(status=failure.status)

    def _trace_head(self, context: RequestContext, target: Target, attempt: Attempt) -> bytes:
        trace = context.record.trace
        if trace is not None:
            attempt.span_id = self._tracing.span_id()
            attempt.model, attempt.verbatim = target.model, target.translation.same_dialect
        return self._tracing.propagate(context.exchange.headers, trace, attempt.span_id)


def join(context: RequestContext, target: Target) -> None:
    """Have a stream begin an answer that others may go on with, or go on with one.

    Raises `Failure` 400 for a backend that cannot go on.
    """
    stream, joins = context.stream, target.translation.joins
    if stream is None or not stream.said:
        context.request.joined = JoinedAnswer() if joins else None
    elif not joins:
        raise cannot_go_on()
    else:
        context.request.joined = stream.joined


def refuses_prefill(context: RequestContext, outcome: AttemptOutcome) -> bool:
    """Return whether a backend refuses to go on from a prefill; words will do from then on."""
    joined, failure = context.request.joined, outcome.failure
    if joined is None or failure is None or failure.status != 400 or not joined.is_prefilled:
        return False
    joined.refuse_prefill()
    return True


def answer_unasked(context: RequestContext, translation: Translation) -> None:
    """Answer what no provider needs to be asked for."""
    answer = translation.answer(context.request, ())
    headers = [(CONTENT_TYPE, JSON), *translation.headers, *id_headers(context)]
    headers += limit_headers(context.permit.own, context.endpoint.dialect)
    context.exchange.respond(200, headers, answer.body)
    context.record.note_start(200)


def note_headroom(account: Account, attempt: Attempt, reply: Reply) -> None:
    """Take note of what a provider says of its limits, if it does."""
    found = headroom(reply.headers)
    if found is not None:
        until = attempt.first_byte + found.seconds
        account.load.headroom[attempt.upstream_name] = found.share, until
