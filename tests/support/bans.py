"""Bans of two credentials, outcomes of attempts, and shorthands for tests of both."""

from __future__ import annotations

from typing import Any

from airouter.bans.notice import Ban
from airouter.config.snapshot import (
    Backend as DeclaredBackend,
)
from airouter.config.snapshot import (
    Credential,
    Fail2ban,
    Model,
    Snapshot,
)
from airouter.failures import Failure
from airouter.routing.fail2ban import Bans
from airouter.routing.outcome import REFUSED_KEY, AttemptOutcome, Retry
from support.routes import Node

DOWN = AttemptOutcome(Failure(503, "down"), Retry.ANYWHERE, status=503)
BAD_REQUEST = AttemptOutcome(Failure(400, "no"), status=400)
KEY_REFUSED = AttemptOutcome(Failure(502, "no"), status=401, kind=REFUSED_KEY)
BROKEN_OFF = AttemptOutcome(status=502, kind="broken_reply")
UNWRITABLE = AttemptOutcome(Failure(400, "seed"), unasked=True)


def failed(status: int, code: str | None = None, kind: str = "") -> AttemptOutcome:
    return AttemptOutcome(Failure(status, "no", code=code), status=status, kind=kind)


def a_snapshot(policy: Fail2ban | None, **fields: Any) -> Snapshot:
    """Two credentials, each with two models; `fields` are those of the first."""
    own = {"secret": "sk-1", **fields}
    tier = tuple(DeclaredBackend(c, f"{m}-model") for c in "ab" for m in "ab")
    return Snapshot(
        credentials=(Credential("a", "OpenAI", **own), Credential("b", "OpenAI")),
        models=(Model("m", tiers=(tier,)),),
        fail2ban=policy,
    )


def some_bans(**policy: Any) -> Bans:
    bans = Bans()
    bans.reload(a_snapshot(Fail2ban(**policy)), 0.0)
    return bans


def other_model(backend: Node) -> Node:
    """Another model of the same credential."""
    return Node(backend.credential, "b-model", 1, backend.load, None)


def fail(bans: Bans, backend: Node, *times: float, outcome: AttemptOutcome = DOWN) -> Ban | None:
    """Fail at some times; returns what the last of them led to."""
    return [bans.note(backend, outcome, now) for now in times][-1]


def banned(bans: Bans, backend: Node, now: float) -> bool:
    return bans.holds(backend, now)
