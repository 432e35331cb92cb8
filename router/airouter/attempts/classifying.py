"""The outcome of an attempt that failed: whether another one may mend it, and where.

Whatever a provider, a connection or a translation raised is one `AttemptOutcome` from here on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.failures import Failure, cannot_compact, upstream_failed
from airouter.interfaces import ConnectError, NoneFree, UpstreamError, UpstreamTimeout
from airouter.providers.base import AUTHENTICATION_FAILED, OF_THE_KEY, refused_credential
from airouter.routing.outcome import REFUSED_KEY, AttemptOutcome, Retry
from airouter.routing.walk import CONTENT_FILTER

if TYPE_CHECKING:
    from airouter.interfaces import BufferedReply
    from airouter.request_context import RequestContext
    from airouter.serving.target import Target
    from airouter.telemetry.provider_warnings import ProviderWarnings

CANCELLED = 499
"""By which Google says that it gave up under load: to clients it would say that they left."""
LACKING = frozenset({404, 405, 501})
"""By which a server says that it has no such API; 404 is also for a model, which it names."""
UNPAID, NOT_THERE = 402, 404
"""By which an account says that nothing is paid for, or that it does not have the model."""
OF_THE_MODEL: dict[str | None, str] = {
    "context_length_exceeded": "context",
    "content_filter": CONTENT_FILTER,
    "content_policy_violation": CONTENT_FILTER,
}
"""Codes of failures that another model may not have, as `fallbackOn` calls them."""


def refused_by(
    context: RequestContext, target: Target, reply: BufferedReply, warnings: ProviderWarnings
) -> AttemptOutcome:
    """Make an outcome of a provider's error; a refused key is logged."""
    account = target.account
    if context.endpoint.api == "compact" and lacks_api(reply):
        return classify(context, target, cannot_compact(context.request.model), reply.status)
    failure = account.provider.failure(reply.status, reply.headers, reply.body, account.credential)
    outcome = classify(context, target, failure, reply.status)
    if outcome.kind == REFUSED_KEY:
        warnings.note_refused_key(account.credential.name, reply.status)
    return outcome


def lacks_api(reply: BufferedReply) -> bool:
    """Return whether a provider says that it has no such API."""
    return reply.status in LACKING and b"model" not in reply.body.lower()


def unanswered(error: UpstreamError) -> AttemptOutcome:
    """Return the outcome of an attempt that no provider answered.

    A backend that has used up its time would use it up again.
    """
    retry = Retry.ELSEWHERE if error.kind == UpstreamTimeout.kind else Retry.ANYWHERE
    failure = upstream_failed(error.kind, error.told)
    rests, status = not error.of_one_pod, status_of(error)
    return AttemptOutcome(failure, retry, rests=rests, status=status, kind=error.kind)


def status_of(error: UpstreamError) -> int:
    """Return the status that a failure without one counts as; 0 where the account is in order."""
    if error.of_one_pod:
        return 0
    match error:
        case NoneFree():
            return 0
        case ConnectError():
            return 503
        case UpstreamTimeout():
            return 504
    return 502


def classify(
    context: RequestContext, target: Target, failure: Failure, status: int | None = None
) -> AttemptOutcome:
    """Decide which other attempt may mend a failure: none at an account that refuses our key.

    `status` is the provider's, where that may differ from the one for the client.
    """
    status = status or failure.status
    if failure.status == CANCELLED:
        failure.status, failure.type, status = 502, "server_error", 502
    if failure.status in OF_THE_KEY:  # told inside an answer: as if it had been the status
        failure = refused_credential()
    target.account.masking.failure(failure)
    if failure.code == AUTHENTICATION_FAILED:
        kind, elsewhere = REFUSED_KEY, Retry.ELSEWHERE
        return AttemptOutcome(failure, elsewhere, rests=True, status=status, kind=kind)
    policy = context.serving.snapshot.retries
    if OF_THE_MODEL.get(failure.code) in policy.fallback_on:
        return AttemptOutcome(failure, Retry.OTHER_MODEL, status=status)
    if failure.status in policy.on_status or status in policy.on_status:
        retry = Retry.ANYWHERE
    else:
        retry = Retry.ELSEWHERE if status in {UNPAID, NOT_THERE} else Retry.NOWHERE
    rests = status >= 500 or status == UNPAID
    return AttemptOutcome(failure, retry, rests=rests, status=status)
