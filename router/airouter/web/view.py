"""The router's state as blocks of the page: who sees which, and what is in them."""

from __future__ import annotations

import time
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from airouter.condition import Conditioned, condition_of
from airouter.web.backends import BackendParts
from airouter.web.board import Audience, PageBlock, PagePart
from airouter.web.cards import moment_at
from airouter.web.curves import FigureLine
from airouter.web.pace import KeptView, paced
from airouter.web.rows import ConfigurationFacts, CountText, HeadLine, ReasonLine
from airouter.web.tables import (
    client_facts,
    client_row,
    request_facts,
    request_row,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from airouter.condition import RouterCondition
    from airouter.limits.budgets.budget_scope import BudgetScope
    from airouter.limits.scope import Scope
    from airouter.telemetry.history import TrafficHistory

ALL = frozenset(Audience)
STRANGERS = frozenset((Audience.STRANGER,))
NAMED = frozenset((Audience.NAMED, Audience.OWNER))
OWNERS = frozenset((Audience.OWNER,))
LEVELS = {"ok": "ok", "degraded": "warn", "down": "bad"}
SHOWN_FINDINGS = 50
SHORT_VERSION = 8
ALL_WELL = "Every model is answered by its first tier."


class Viewed(Conditioned, Protocol):
    """The router, as the page reads it."""

    @property
    def draining(self) -> bool: ...

    @property
    def version(self) -> str: ...

    @property
    def pod_name(self) -> str: ...

    @property
    def health_names(self) -> bool: ...

    @property
    def history(self) -> TrafficHistory: ...

    @property
    def budgets(self) -> Sequence[BudgetScope]:
        """The budgets of whoever has asked."""
        ...

    def limits_of(self, kind: str, name: str) -> Scope | None:
        """Return the limits of a `client` or a `credential`; None where it has none."""
        ...


class PageView:
    """Reads a router into the blocks of the page."""

    def __init__(self, router: Viewed, clock: Callable[[], float] = monotonic) -> None:
        """`clock` returns the seconds by which credentials and models take turns."""
        self._router = router
        self._clock = clock
        self._figures = FigureLine(router.history)
        # Taken once: moments that are read anew each second are to stay the same.
        self._epoch = time.time() - monotonic()
        self._clients = KeptView[PageBlock]()
        self._backends: BackendParts | None = None

    async def look(self) -> None:
        """Look at the clients, of which `blocks` tells from now on: there may be thousands."""
        router = self._router
        router.history.advance()
        clients = () if router.snapshot is None else router.snapshot.auth.clients
        # To look at one costs a tenth of drawing it, which is done for a few of them.
        moment = clients, paced(router.history.step, len(clients) // 10)
        if not self._clients.is_of(moment):
            facts = await client_facts(router, clients)
            parts = [PagePart(each.id, "client", each, client_row) for each in facts]
            self._clients.keep(moment, PageBlock("clients", OWNERS, parts))

    def blocks(self) -> Iterator[PageBlock]:
        """Yield what the page shows now."""
        condition = condition_of(self._router, monotonic())
        yield self._head(condition, STRANGERS, pod="")
        yield self._head(condition, NAMED, pod=self._router.pod_name)
        for audiences in (STRANGERS, NAMED):
            yield self._reasons(condition, audiences)
            yield self._configuration(audiences)
        yield from self._named()
        yield from self._owned()

    def _head(
        self, condition: RouterCondition, audiences: frozenset[Audience], pod: str
    ) -> PageBlock:
        router, reload = self._router, self._router.reload
        status = "draining" if router.draining else "" if router.snapshot else "starting"
        head = HeadLine(
            condition.state,
            LEVELS[condition.state],
            status,
            router.version,
            pod,
            reload.version[:SHORT_VERSION],
            moment_at(reload.loaded_at) if reload.loaded_at else None,
        )
        return PageBlock("head", audiences, [PagePart("head-line", "head_line", head)])

    def _reasons(self, condition: RouterCondition, audiences: frozenset[Audience]) -> PageBlock:
        told = condition.told(names=audiences is NAMED) or [ALL_WELL]
        first, *more = (f"{text[:1].upper()}{text[1:]}".rstrip(".") + "." for text in told)
        line = ReasonLine(LEVELS[condition.state], first, tuple(more))
        return PageBlock("reasons", audiences, [PagePart("reason-line", "reason_line", line)])

    def _named(self) -> Iterator[PageBlock]:
        router, snapshot = self._router, self._router.snapshot
        in_flight = sum(load.in_flight for load in router.loads.values())
        figures = [PagePart(f.id, "figure", f) for f in self._figures.read(in_flight)]
        yield PageBlock("figures", NAMED, figures)
        if snapshot is None:
            return
        backends = self._backends
        if backends is None or backends.snapshot is not snapshot:
            backends = BackendParts(router, snapshot, self._epoch, self._clock)
            self._backends = backends
        backends.renew()
        cards, models = backends.credentials, backends.models
        usable, troubled = len(cards.parts) - cards.count("bad"), cards.count("warn")
        text = f"{usable} of {len(cards.parts)} usable"
        text += f", {troubled} with trouble" if troubled else ""
        yield count_block("credentials-count", text)
        yield PageBlock("credentials", NAMED, cards.parts)
        yield count_block("models-count", str(len(models.parts)))
        yield PageBlock("models", NAMED, models.parts)

    def _owned(self) -> Iterator[PageBlock]:
        if self._clients.seen is not None:
            yield self._clients.seen
        requests = request_facts(self._router.history, self._epoch)
        parts = [PagePart(each.id, "request", each, request_row) for each in requests]
        yield PageBlock("requests", OWNERS, parts)

    def _configuration(self, audiences: frozenset[Audience]) -> PageBlock:
        reload, names = self._router.reload, audiences is NAMED
        findings = [
            (finding.severity, finding.text if names else finding.place)
            for finding in reload.findings[:SHOWN_FINDINGS]
        ]
        if (more := len(reload.findings) - SHOWN_FINDINGS) > 0:
            findings.append(("warning", f"and {more} more"))
        facts = ConfigurationFacts(
            reload.source,
            reload.successful,
            reload.error,
            moment_at(reload.at) if reload.at else None,
            tuple(findings),
            tuple(connections(self._router.stream, self._router.ledger)),
        )
        return PageBlock("configuration", audiences, [PagePart("facts", "configuration", facts)])


def count_block(id_: str, text: str) -> PageBlock:
    """Return the block of a count beside a heading."""
    return PageBlock(id_, NAMED, [PagePart(f"{id_}-text", "count", CountText(f"{id_}-text", text))])


def connections(
    stream: Mapping[str, object] | None, ledger: Mapping[str, object] | None
) -> Iterator[tuple[str, str]]:
    """Yield what is known of the operator's stream and the ledger of limits, where there is one."""
    for label, known in (("Operator's stream", stream), ("Ledger of limits", ledger)):
        if known is not None:
            state = "connected" if known.get("connected") else "not connected"
            error = known.get("error")
            yield label, f"{state}: {error}" if error else state
