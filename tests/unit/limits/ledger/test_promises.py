"""What limits promise over four replicas, by each kind of ledger, whatever happens to it.

Six hundred requests a minute, of a client that asks for a hundred a second; time is in the test's
hand, and clocks are half a minute off.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from airouter.config.snapshot import Limits
from support.replicas import Replicas
from support.shared_ledgers import KINDS, Sharing

RPM = Limits(rpm=600)
TPM = Limits(tpm=60_000)
TEN = Limits(max_concurrent=10)

Trouble = Callable[[Replicas], Awaitable[None]]


@pytest.fixture(params=KINDS)
def sharing(request: pytest.FixtureRequest) -> Sharing:
    """Opens replicas that share a ledger of each kind."""
    kind: Sharing = request.param
    return kind


@pytest.fixture
async def replicas(sharing: Sharing, tmp_path: Path) -> AsyncIterator[Replicas]:
    """Four of them, with a limit of requests."""
    async with sharing(RPM, tmp_path) as found:
        yield found


async def killed(replicas: Replicas) -> None:
    """The ledger loses all it knows."""
    replicas.ledger.forget()
    await replicas.demand("moving", 5)


async def paused(replicas: Replicas) -> None:
    """It says nothing for five seconds, and then takes what it was told in them."""
    replicas.ledger.is_paused = True
    await replicas.demand("moving", 5)
    await replicas.ledger.go_on()


async def gone(replicas: Replicas) -> None:
    """It is not there for three minutes."""
    replicas.ledger.is_up = False
    await replicas.demand("moving", 180)
    replicas.ledger.is_up = True


async def exchanged(replicas: Replicas) -> None:
    """A replica dies, and another one comes, and so again."""
    for name in "ef":
        replicas.kill(min(replicas.pods))
        replicas.add(name)
        await replicas.demand("moving", 20)


@pytest.mark.parametrize("where", ["one", "all", "moving"])
async def test_no_minute_has_more_than_allowed_and_no_five_minutes_many_fewer(
    where: str, replicas: Replicas
) -> None:
    await replicas.demand(where, 365)
    assert replicas.most_in_a_minute() <= 600
    assert replicas.least_in_five_minutes(replicas.time.now) >= 2_910


@pytest.mark.parametrize("trouble", [killed, paused, gone, exchanged])
async def test_no_minute_has_more_than_allowed_whatever_happens(
    trouble: Trouble, replicas: Replicas
) -> None:
    await replicas.demand("moving", 33)
    await trouble(replicas)
    await replicas.demand("moving", 130)
    assert replicas.most_in_a_minute() <= 600
    if trouble is not exchanged:  # for whose share nobody has a use for an hour
        assert replicas.lately() >= 582


async def test_tokens_are_within_two_percent_of_what_is_allowed(
    sharing: Sharing, tmp_path: Path
) -> None:
    alone = Replicas(TPM, shared=False)
    async with sharing(TPM, tmp_path) as replicas:
        settled = await replicas.tokens("abcd", 365, longest=0.05)
    assert settled.most_in_a_minute <= 60_000 * 1.02
    least_of_one = (await alone.tokens("a", 365, longest=0.05)).least_in_five_minutes
    assert settled.least_in_five_minutes >= 0.98 * least_of_one


async def test_never_one_more_request_at_the_same_time_than_allowed(
    sharing: Sharing, tmp_path: Path
) -> None:
    async with sharing(TEN, tmp_path) as replicas:
        counts = await replicas.overlap(4_000, pause=0.01, longest=1)
    assert max(counts) <= 10
    assert sum(counts) / len(counts) > 7


@pytest.mark.parametrize("trouble", ["killed", "paused", "gone"])
async def test_never_one_more_at_the_same_time_whatever_happens_to_the_ledger(
    trouble: str, sharing: Sharing, tmp_path: Path
) -> None:
    async with sharing(TEN, tmp_path) as replicas:
        counts = await replicas.overlap(200, pause=0.2, longest=20)
        if trouble == "killed":
            replicas.ledger.forget()
        elif trouble == "paused":
            replicas.ledger.is_paused = True
            counts += await replicas.overlap(25, pause=0.2, longest=20)
            await replicas.ledger.go_on()
        else:
            replicas.ledger.is_up = False
            counts += await replicas.overlap(900, pause=0.2, longest=20)
            assert max(counts[-300:]) > 4, "by their shares"
            replicas.ledger.is_up = True
        counts += await replicas.overlap(600, pause=0.2, longest=20)
    assert max(counts) <= 10
    assert max(counts[-100:]) >= 8
