"""A second attempt beside one that is slow: the first to answer counts, the other is given up.

By the hedged requests of Dean and Barroso, "The Tail at Scale" (2013): sent after a delay, and only
for a small share of requests, they cost little and cut the slowest answers. Switched on by
`spec.resilience.hedge`.
"""

from __future__ import annotations

import asyncio
import copy
from time import monotonic
from typing import TYPE_CHECKING

from airouter.dialects.conversation import Usage
from airouter.dialects.spending import plausible
from airouter.request_context import RequestContext

if TYPE_CHECKING:
    from airouter.attempts.attempt import AttemptRunner
    from airouter.bounds.held_bytes import HeldBytes, Holding
    from airouter.config.snapshot import Hedge
    from airouter.dialects.client_request import ClientRequest
    from airouter.routing.catalog import Backend
    from airouter.routing.outcome import AttemptOutcome
    from airouter.routing.walk import Walk
    from airouter.serving.target import Target
    from airouter.telemetry.record import Attempt

    Running = asyncio.Task[AttemptOutcome]


class AttemptRace:
    """Two attempts of one request. The first that has something for the client wins."""

    def __init__(self, request: ClientRequest) -> None:
        """`request` is the client's, of which a second attempt has a copy."""
        self._request = request
        self._attempts: dict[RequestContext, Attempt] = {}
        self._tasks: dict[RequestContext, asyncio.Task[object] | None] = {}
        self._winner: RequestContext | None = None

    @property
    def is_decided(self) -> bool:
        return self._winner is not None

    def was_won_by(self, task: Running) -> bool:
        """Return True for the task that won, though its stream may have broken after that."""
        return self._winner is not None and self._tasks[self._winner] is task

    def enter(self, context: RequestContext, attempt: Attempt) -> None:
        """Take part; called by the task that makes the attempt."""
        self._attempts[context] = attempt
        self._tasks[context] = asyncio.current_task()

    def clear(self) -> None:
        """Let go of both, as they have this race."""
        self._attempts.clear()
        self._tasks.clear()
        self._winner = None

    def claim(self, context: RequestContext, usage: Usage | None = None) -> None:
        """Win, as there is something for the client.

        Raises `CancelledError` for who comes late, whose `usage` is paid for, too.
        """
        if self._winner is not None:
            self.note_lost(context, usage or Usage())
            raise asyncio.CancelledError
        self._winner = context
        self._request.answered_by = context.request.answered_by
        attempts, own = context.record.attempts, self._attempts[context]
        attempts.remove(own)
        attempts.append(own)  # the last is the one that decided the answer
        for other, task in self._tasks.items():
            if other is not context and task is not None:
                task.cancel()

    def note_lost(self, context: RequestContext, usage: Usage) -> None:
        """Take note of what an attempt told before another one won: its provider charges for it."""
        told = None if usage.input_tokens is None else plausible(usage)
        if told is not None and self._winner not in {None, context}:
            attempt = self._attempts[context]
            attempt.usage, attempt.lost = told, True


async def run_hedged(
    runner: AttemptRunner,
    context: RequestContext,
    walk: Walk[Target],
    backend: Backend[Target],
    hedge: Hedge,
) -> tuple[Backend[Target], AttemptOutcome]:
    """Ask a backend, and a second one when it says nothing for long.

    Returns the last outcome and whose it is; of one before that, the walk has taken note.
    """
    race = context.race = AttemptRace(context.request)
    running: dict[Running, Backend[Target]] = {}
    running[asyncio.create_task(runner.run(context, backend))] = backend
    backend.load.hedges.deposit(hedge.percent)
    try:
        await asyncio.wait(running, timeout=hedge.after)
        slow = not race.is_decided and not any(task.done() for task in running)
        if slow and (spare := walk.spare(backend, monotonic())) is not None:
            running[asyncio.create_task(runner.run(beside(context), spare))] = spare
        while True:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                asked = running.pop(task)
                if task.cancelled():
                    continue
                outcome = task.result()
                if outcome.failure is None or not running or race.was_won_by(task):
                    return asked, outcome
                walk.note(asked, outcome, outcome.failure, monotonic())
    finally:
        for task in running:
            task.cancel()
        try:
            await asyncio.gather(*running, return_exceptions=True)
        finally:
            context.race = None
            race.clear()


class SecondContext(RequestContext):
    """The context of a second attempt, which keeps what it needs with the first."""

    __slots__ = ("_first",)

    def __init__(self, first: RequestContext) -> None:
        super().__init__(first.exchange, first.endpoint, first.record)
        self.tenant = first.tenant
        self._first = first

    def kept(self, held: HeldBytes) -> Holding:
        return self._first.kept(held)


def beside(context: RequestContext) -> RequestContext:
    """Return a context for a second attempt at the same time: only the client is the same."""
    second = SecondContext(context)
    second.serving, second.head, second.stream = context.serving, context.head, context.stream
    second.request = copy.copy(context.request)
    second.race, second.joins, second.permit = context.race, context.joins, context.permit
    second.spending, second.route = context.spending, context.route
    return second
