"""Money on a bad day: whatever gets lost, at no moment less is counted than was spent."""

from __future__ import annotations

import pytest

from airouter.config.budget import PeriodBudget
from airouter.limits.budgets.spending import Spending
from support.spenders import USD, Spender, Spenders

PLENTY = PeriodBudget("1000", "Day", stops_streams=False)
CENT = USD // 100


class RoughDay:
    """Replicas that spend, and a ledger that has bad moments."""

    def __init__(self, seed: int) -> None:
        self.spenders = Spenders(PLENTY)
        self.ledger = self.spenders.ledger
        self.chance = self.spenders.random
        self.chance.seed(seed)
        self.running: list[tuple[str, Spending]] = []
        self.spent = 0
        self.untold = 0
        """What pods that are dead had spent beyond their leases, and told nobody."""
        self.copies = [self.ledger.copy()]
        self.good_seconds = 2
        """Those in which the ledger has answered since it forgot something."""

    @property
    def pods(self) -> dict[str, Spender]:
        """Those that live."""
        return self.spenders.pods

    async def begin_request(self) -> None:
        """A request somewhere, if there is money for it."""
        name = self.chance.choice(sorted(self.pods))
        spending = await self.pods[name].reserve(self.chance.randint(1, 30) * CENT)
        if spending is not None:
            self.running.append((name, spending))

    def go_on(self) -> None:
        """A stream goes on."""
        if self.running:
            self.chance.choice(self.running)[1].extend(self.chance.randint(1, 20) * CENT)

    def end_request(self) -> None:
        """A request ends, which may cost more than was reserved."""
        if self.running:
            _, spending = self.running.pop(self.chance.randrange(len(self.running)))
            cost = self.chance.randint(0, 2 * spending.reserved)
            spending.settle(cost)
            self.spent += cost

    def kill_replica(self) -> None:
        """Have a replica die, and another one come."""
        name = self.chance.choice(sorted(self.pods))
        self.untold += self.pods[name].untold
        self.running = [each for each in self.running if each[0] != name]
        self.spenders.kill(name)
        self.spenders.add(self.chance.choice([name, f"{name}'"]))

    def forget(self) -> None:
        """Have the ledger lose what it knows, or the last seconds of it."""
        self.good_seconds = 0
        if self.chance.random() < 0.5:
            self.ledger.lose_memory()
        else:
            self.ledger.go_back(self.chance.choice(self.copies[-8:]))

    async def moment(self) -> None:
        """Let something happen, and now and then a second pass."""
        dice = self.chance.random()
        if dice < 0.35:
            await self.begin_request()
        elif dice < 0.5:
            self.go_on()
        elif dice < 0.8:
            self.end_request()
        else:
            self.ledger.is_up = self.chance.random() < 0.8
            self.ledger.loses_answers = self.chance.random() < 0.2
            await self.spenders.advance(1)
            self.copies.append(self.ledger.copy())
            self.good_seconds += self.ledger.is_up and not self.ledger.loses_answers

    def is_known(self) -> bool:
        """Whether all have spoken with the ledger since it forgot: one finds out, all tell."""
        return self.good_seconds >= 2

    def counts_enough(self) -> bool:
        """Whether the ledger counts all that was spent, but for what it could not be told yet."""
        untold = self.untold + sum(pod.untold for pod in self.pods.values())
        return self.ledger.counted >= self.spent - untold

    async def end(self) -> None:
        """Let all that runs end, and all be told."""
        self.ledger.is_up, self.ledger.loses_answers = True, False
        while self.running:
            self.end_request()
        await self.spenders.advance(5)


@pytest.mark.parametrize("seed", range(6))
async def test_a_ledger_that_forgets_counts_no_less_than_was_spent(seed: int) -> None:
    day = RoughDay(seed)
    for number in range(2_000):
        await day.moment()
        if number % 400 == 399:
            day.forget()
        assert not day.is_known() or day.counts_enough()
    await day.end()
    assert day.spent <= day.ledger.counted <= day.spent + 5 * 4 * USD
    assert day.spent > 10 * USD


@pytest.mark.parametrize("seed", range(6))
async def test_replicas_that_die_are_counted_with_all_that_they_had(seed: int) -> None:
    day = RoughDay(seed)
    await day.spenders.advance(8)
    for number in range(2_000):
        await day.moment()
        if number % 50 == 49:
            day.kill_replica()
        assert day.counts_enough()
    await day.end()
    assert day.spent - day.untold <= day.ledger.counted
    assert day.spent > 10 * USD
