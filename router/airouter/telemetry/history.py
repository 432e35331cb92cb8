"""The last minutes in numbers, for the page: a consumer of records with a memory of fixed size.

A record costs a look-up and a few additions. What the page shows is summed up when it asks, and
only once for each step of time. All of it is on the event loop's thread.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from time import monotonic, time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from airouter.telemetry.record import Attempt, RequestRecord

STEP = 5.0
"""Seconds of a point of the curves."""
POINTS = 180
"""Fifteen minutes."""
MINUTES = 5
"""Minutes for which it is known who answered for what."""
STEPS_PER_MINUTE = 12
RECENT = 50
"""Requests that are remembered one by one."""
MOST_PAIRS = 5_000
"""Pairs of a model and a credential in a step; those beyond count in the totals only."""
BOUNDS = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8),
    *(1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0),
)
"""Seconds until the first byte, as they are told apart."""
UNFIT = frozenset((401, 403, 408, 429))
"""Statuses below 500 that say something of the account and not of the request."""
DAY = 86_400

Pair = tuple[str, str]
"""A model and the credential that answered; empty where none did."""


class RequestTally:
    """Sums of requests."""

    __slots__ = ("cost", "errors", "requests", "tokens", "waits")

    def __init__(self) -> None:
        self.requests = 0
        self.errors = 0
        """Of the requests, those that ended with a status from 500 on, or broke off."""
        self.tokens = 0
        self.cost = 0
        """Picodollars."""
        self.waits = [0] * (len(BOUNDS) + 1)
        """Answers by the time until their first byte, as `BOUNDS` has it."""

    __hash__ = None  # type: ignore[assignment]  # sums that are equal may differ a moment later

    def __eq__(self, other: object) -> bool:
        """Compare the sums, as whoever shows them wants to know whether they have changed."""
        return (
            isinstance(other, RequestTally)
            and self.requests == other.requests
            and self.errors == other.errors
            and self.tokens == other.tokens
            and self.cost == other.cost
            and self.waits == other.waits
        )

    def add(self, other: RequestTally) -> None:
        """Add other sums to these."""
        self.requests += other.requests
        self.errors += other.errors
        self.tokens += other.tokens
        self.cost += other.cost
        if other.requests:
            waits = self.waits
            for place, count in enumerate(other.waits):
                if count:
                    waits[place] += count

    def wait(self, share: float) -> float | None:
        """Return the seconds within which a share of the answers began; None without answers."""
        total = sum(self.waits)
        if not total:
            return None
        wanted, below = share * total, 0
        for place, count in enumerate(self.waits):
            if count and below + count >= wanted:
                low = BOUNDS[place - 1] if place else 0.0
                high = BOUNDS[min(place, len(BOUNDS) - 1)]
                return low + (high - low) * (wanted - below) / count
            below += count
        return BOUNDS[-1]


class Point(NamedTuple):
    """One step of the curves."""

    tally: RequestTally
    in_flight: int


class FailureSeen(NamedTuple):
    """The last failure of a credential."""

    at: float
    """On the clock of `time.monotonic()`."""
    what: str


class Recent(NamedTuple):
    """Sums of the last minutes."""

    seconds: float
    by_model: Mapping[str, RequestTally]
    by_credential: Mapping[str, RequestTally]


class Sums(NamedTuple):
    """Sums of some minutes."""

    by_model: dict[str, RequestTally]
    by_credential: dict[str, RequestTally]


class TrafficHistory:
    """Remembers the last minutes of a process."""

    def __init__(
        self,
        in_flight: Callable[[], int],
        clock: Callable[[], float] = monotonic,
        wall: Callable[[], float] = time,
    ) -> None:
        """`in_flight` is asked once a step; `clock` and `wall` return seconds."""
        self._in_flight = in_flight
        self._clock = clock
        self._wall = wall
        self.points: deque[Point] = deque(maxlen=POINTS)
        """The steps that are over, the oldest first; fewer than `POINTS` after a start."""
        self.requests: deque[RequestRecord] = deque(maxlen=RECENT)
        """The last requests, the oldest first."""
        self.count = 0
        """Requests so far."""
        self.failures: dict[str, FailureSeen] = {}
        """By credential."""
        self._began = self.step = int(clock() / STEP)
        """The step that is not over yet, counted from the clock's zero."""
        self._day = int(wall() / DAY)
        self._spent: dict[str, int] = {}
        self._tallies: dict[Pair, RequestTally] = {}
        self._minutes: deque[dict[Pair, RequestTally]] = deque([{}], maxlen=MINUTES)
        self._recent: tuple[int, Recent] | None = None
        self._former: Sums | None = None
        """Of the minutes that are over; None until they are asked for."""

    def consume(self, records: list[RequestRecord]) -> None:
        """Take what was asked of models, and what the router itself failed at."""
        self.advance()
        records = [each for each in records if each.operation or each.status >= 500]
        tallies, bounds = self._tallies, BOUNDS
        for record in records:  # as little as can be: this is paid for with every request
            attempts = record.attempts
            if len(attempts) == 1:
                attempt = attempts[0]
                pair = record.model, attempt.credential
                tally = tallies.get(pair) or self._open(pair)
                cost = attempt.cost
                if cost is not None:
                    tally.cost += cost.amount
            else:
                tally = self._add_attempts(record)
            tally.requests += 1
            tally.tokens += record.input_tokens + record.output_tokens
            status, first_byte = record.status, record.first_byte
            if status >= 400:
                if status >= 500:
                    tally.errors += 1
                if attempts:
                    self._note_failure(attempts[-1])
            elif record.error is not None:
                tally.errors += 1
                if attempts:
                    self._note_failure(attempts[-1])
            elif first_byte:
                tally.waits[bisect_left(bounds, first_byte - record.started)] += 1
        self.requests.extend(records[-RECENT:])
        self.count += len(records)

    def advance(self) -> None:
        """Close the steps that are over."""
        step = int(self._clock() / STEP)
        if step <= self.step:
            return
        total = total_of(self._tallies.values())
        self.points.append(Point(total, self._in_flight()))
        minute = self._minutes[-1]
        for pair, tally in self._tallies.items():
            self._spend(pair[1], tally.cost)
            known = minute.get(pair)
            if known is not None:
                known.add(tally)
            elif len(minute) < MOST_PAIRS:
                minute[pair] = tally
        self._tallies = {}
        for _ in range(min(step - self.step - 1, POINTS)):
            self.points.append(Point(RequestTally(), self._in_flight()))
        for _ in range(min(step // STEPS_PER_MINUTE - self.step // STEPS_PER_MINUTE, MINUTES)):
            self._minutes.append({})
            self._former = None
        self.step = step
        if (day := int(self._wall() / DAY)) != self._day:
            self._day, self._spent = day, {}

    def recent(self) -> Recent:
        """Return the last minutes, up to the last step that is over."""
        self.advance()
        if self._recent is None or self._recent[0] != self.step:
            self._recent = self.step, self._sum_up()
        return self._recent[1]

    def spent_today(self) -> Mapping[str, int]:
        """Return picodollars by credential since midnight (UTC), or since the start if later."""
        self.advance()
        return self._spent

    def _sum_up(self) -> Recent:
        *former, current = self._minutes
        if self._former is None:
            self._former = sums_of(former)
        by_model, by_credential = map(together, self._former, sums_of([current]))
        steps = len(former) * STEPS_PER_MINUTE + self.step % STEPS_PER_MINUTE
        steps = min(steps, self.step - self._began)
        return Recent(max(steps, 1) * STEP, by_model, by_credential)

    def _open(self, pair: Pair) -> RequestTally:
        if len(self._tallies) >= MOST_PAIRS:
            pair = "", ""
        return self._tallies.setdefault(pair, RequestTally())

    def _add_attempts(self, record: RequestRecord) -> RequestTally:
        """Count the attempts of a request of several, or none; return whose it is in the end."""
        pair = record.model, ""
        for attempt in record.attempts:
            pair = record.model, attempt.credential
            cost = attempt.cost
            if cost is not None:
                tally = self._tallies.get(pair) or self._open(pair)
                tally.cost += cost.amount
            if attempt is not record.attempts[-1]:
                self._note_failure(attempt)
        return self._tallies.get(pair) or self._open(pair)

    def _spend(self, credential: str, amount: int) -> None:
        """Add to what a credential cost today."""
        spent = self._spent
        if amount and (credential in spent or len(spent) < MOST_PAIRS):
            spent[credential] = spent.get(credential, 0) + amount

    def _note_failure(self, attempt: Attempt) -> None:
        status = attempt.status
        if attempt.error is None and status < 500 and status not in UNFIT:
            return  # none, or the request's own fault
        failures = self.failures
        if len(failures) >= MOST_PAIRS:
            failures.pop(next(iter(failures)))
        failures[attempt.credential] = FailureSeen(
            attempt.ended or self._clock(), str(status) if status >= 400 else str(attempt.error)
        )


def sums_of(minutes: Iterable[Mapping[Pair, RequestTally]]) -> Sums:
    """Return the sums of minutes."""
    sums = Sums({}, {})
    for minute in minutes:
        for (model, credential), tally in minute.items():
            sums.by_model.setdefault(model, RequestTally()).add(tally)
            sums.by_credential.setdefault(credential, RequestTally()).add(tally)
    return sums


def together(
    former: Mapping[str, RequestTally], current: Mapping[str, RequestTally]
) -> dict[str, RequestTally]:
    """Return sums of both; what is in one alone stays the tally that it is."""
    both = {name: total_of((former[name], current[name])) for name in former.keys() & current}
    return {**former, **current, **both}


def total_of(tallies: Iterable[RequestTally]) -> RequestTally:
    """Return the sum of sums."""
    total = RequestTally()
    for tally in tallies:
        total.add(tally)
    return total
