"""Money and tokens of requests: what one may cost is reserved before it, what it did is paid after.

Between `limits/`, which knows amounts alone, and the stations of the pipeline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.limits.budgets.budgets import in_nanodollars
from airouter.limits.budgets.stream_meter import CHUNK, StreamMeter
from airouter.limits.estimates import NOTHING, answers_in

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from airouter.costs import PriceList
    from airouter.dialects.translation.base import StreamFilter
    from airouter.interfaces import Headers, Reply
    from airouter.limits import Limiter, Permit
    from airouter.limits.budgets.budget_scope import BudgetScope
    from airouter.limits.budgets.budgets import Budgets
    from airouter.limits.budgets.spending import Spending
    from airouter.limits.estimates import TokenEstimate
    from airouter.request_context import RequestContext
    from airouter.routing.catalog import Route
    from airouter.serving.target import Target
    from airouter.telemetry.record import Attempt

BUDGET_HEADER = b"x-airouter-budget"
SPENT = b"spent"


def reserve_money(
    budgets: Budgets, limiter: Limiter, context: RequestContext, route: Route[Target]
) -> Awaitable[None] | None:
    """Reserve what a request may cost, where a budget binds it.

    That is the dearest of the backends' prices for what is estimated; a stream begins with a part
    of its output and asks for more as it goes. What has no price costs a budget nothing.

    Returns what is to be awaited where it is not reserved at once, which raises `Failure` 429:
    nearly no request waits for money, so none pays for a coroutine.
    """
    scopes = budgets.of(context.tenant)
    if not scopes:
        return None
    estimate = context.permit.estimate
    if estimate is NOTHING:
        estimate = limiter.estimates.of(route.name, context.request)
    amount = likely_cost(route.prices, estimate, context)
    context.spending, short = budgets.reserve(scopes, amount, estimate)
    return budgets.reserve_later(context.spending, amount, short) if short else None


def likely_cost(
    prices: Iterable[PriceList], estimate: TokenEstimate, context: RequestContext
) -> int:
    """Return what to reserve for a request, in billionths of a US dollar, at the dearest price."""
    request = context.request
    images = answers_in(request.fields) if context.endpoint.api == "images" else 0
    given = estimate.tokens_in
    made = max(0, estimate.tokens - given)
    if request.stream and made > CHUNK:
        made = CHUNK
    amount = 0
    for price in prices:
        rates = price.rates_for(given) if price.tiers else price.rates
        cost = given * rates.input + made * rates.output + images * price.image
        amount = max(amount, cost)
    return in_nanodollars(amount)


def missing_for(spending: Spending, context: RequestContext, target: Target) -> int:
    """Return what a backend may cost beyond what is reserved.

    A fallback may be dearer, and a request may have got its history since.
    """
    if target.price is None:
        return 0
    spending.estimate = spending.estimate.grown(context.request.body)
    likely = likely_cost((target.price,), spending.estimate, context)
    return likely - spending.reserved


def hand_over(permit: Permit, spending: Spending | None) -> None:
    """Give back what was reserved: requests made in place of this one reserve for themselves.

    So an answer in the background, or a compaction, is one request and not two.
    """
    permit.give_back()
    if spending is not None:
        spending.give_back()


def settle_money(spending: Spending, context: RequestContext) -> None:
    """Pay for what the client got, and for what was slower beside it, as far as that is known.

    Nothing where nobody had an answer for it.
    """
    record = context.record
    costs = [each.cost for each in record.attempts if each.usage is not None]
    used = in_nanodollars(sum(cost.amount for cost in costs if cost is not None))
    last = record.last
    if last is not None and last.price is not None and record.is_untold:
        used += spending.reserved
    if context.permit.estimate is NOTHING and record.input_tokens:
        spending.estimate.compare(record.input_tokens, record.output_tokens)
    spending.settle(used)


def settle_tokens(permit: Permit, context: RequestContext) -> None:
    """Charge limits for the tokens of an answer, as estimated where its provider told none."""
    record = context.record
    given, made = record.input_tokens, record.output_tokens
    if not (given or made) and record.is_untold and not context.endpoint.is_free:
        permit.settle_as_estimated()
    else:
        permit.settle(given, made)


def settle_attempt(permit: Permit, context: RequestContext, attempt: Attempt) -> None:
    """Charge a backend's limits for an attempt: for what it told where another one was quicker."""
    if attempt is context.record.last:
        settle_tokens(permit, context)
    elif attempt.usage is not None:
        permit.settle(attempt.usage.input_tokens or 0, attempt.usage.output_tokens or 0)
    else:
        permit.settle(0, 0)


def meter_for(
    context: RequestContext, target: Target, reply: Reply, stream_filter: StreamFilter
) -> StreamMeter | None:
    """Return what watches over the cost of a stream, where a budget binds it.

    Of one that another backend has begun, the part that is over costs, too.
    """
    spending, price = context.spending, target.price
    if spending is None or price is None:
        return None
    parts = [each.cost for each in context.record.attempts if each.ended]
    before = in_nanodollars(sum(cost.amount for cost in parts if cost is not None))
    given = spending.estimate.tokens_in
    return StreamMeter(spending, price, given, stream_filter, reply, before)


def is_spent(meter: StreamMeter | None) -> bool:
    """Return whether a stream is to end as a budget has nothing left for it."""
    return meter is not None and meter.spent is not None


def comment_on(spent: BudgetScope) -> bytes:
    """Return why a stream ends, as a comment between its events, which SDKs pass over."""
    left = spent.seconds_left
    when = "it does not begin anew" if left is None else f"it begins anew in {left:.0f} s"
    return f": the budget of the {spent.kind} {spent.name!r} is spent; {when}\n\n".encode()


def budget_headers(spending: Spending | None) -> Headers:
    """Return the header of an answer whose client's budget is spent and warns."""
    return [] if spending is None or spending.warns is None else [(BUDGET_HEADER, SPENT)]
