"""What a request pays of its client's budgets: the very cost that its record has."""

from __future__ import annotations

import pytest

from airouter.config.budget import PeriodBudget
from airouter.config.snapshot import Price, PriceTier
from airouter.costs import price_list
from airouter.dialects.conversation import Usage
from airouter.limits import FREE
from airouter.request_context import RequestContext
from airouter.spending import settle_money
from airouter.telemetry.record import RequestRecord
from support.records import a_paid_record, a_record, an_attempt
from support.spenders import USD, Spenders

TIERED = price_list(
    "declared-2",
    Price(
        input="3",
        cached_input="0.30",
        cache_write="3.75",
        output="15",
        tiers=(PriceTier(above_tokens=200_000, input="6", cached_input="0.60", output="22.50"),),
    ),
)


def a_long_record() -> RequestRecord:
    """Above the tier: half of it cached, a tenth written to the cache, and a thousand out."""
    record = a_record(an_attempt())
    record.attempts[0].price = TIERED
    record.note_usage(
        Usage(
            input_tokens=300_000,
            cached_tokens=150_000,
            cache_write_tokens=30_000,
            output_tokens=1_000,
        )
    )
    return record


def an_unanswered_record() -> RequestRecord:
    """Two attempts that failed."""
    return a_record(an_attempt(status=503), an_attempt(status=500), status=503)


def a_hedged_record(*, is_told: bool) -> RequestRecord:
    """An attempt that told three millionths' worth of tokens, and a quicker one."""
    slow, quick = an_attempt(), an_attempt()
    slow.price = quick.price = TIERED
    slow.usage, slow.lost = Usage(input_tokens=1), True
    record = a_record(slow, quick)
    if is_told:
        record.note_usage(Usage(input_tokens=2, output_tokens=1))
    return record


@pytest.mark.parametrize(
    ("record", "nanodollars"),
    [
        (a_paid_record(), 3_250_000),
        # 120,000 at 6 millionths, 150,000 at 0.6, 30,000 at 3.75, 1,000 at 22.5
        (a_long_record(), 720_000_000 + 90_000_000 + 112_500_000 + 22_500_000),
        (an_unanswered_record(), 0),
        (a_hedged_record(is_told=True), 3_000 + 6_000 + 15_000),
        (a_hedged_record(is_told=False), 3_000 + USD),
    ],
)
async def test_cached_tokens_writes_to_the_cache_and_tiers_cost_a_budget_what_they_cost(
    record: RequestRecord, nanodollars: int
) -> None:
    spenders = Spenders(PeriodBudget("10", "Day"))
    await spenders.advance(8)
    spending = await spenders.pods["a"].reserve(USD)
    assert spending is not None
    context = RequestContext.__new__(RequestContext)
    context.record, context.permit = record, FREE
    settle_money(spending, context)
    await spenders.advance(3)
    assert spenders.ledger.book.spent().popitem()[1].amount == nanodollars
