"""A reload that takes over what has not changed serves as a process that begins with the snapshot.

So it does for whatever follows whatever: each snapshot here comes after each other one.
"""

from __future__ import annotations

from hashlib import sha256
from itertools import permutations

import pytest

from airouter.auth.keyring import Keyring
from airouter.config.budget import PeriodBudget
from airouter.config.snapshot import (
    Auth,
    ClientKey,
    FormerKey,
    Group,
    KeyGrant,
    Limits,
    ModelLimits,
    Snapshot,
)
from airouter.dialects.client_request import parse_client_request
from airouter.failures import Failure
from airouter.limits import Limiter
from airouter.limits.budgets.budgets import Budgets
from airouter.limits.ledger.leases import Leases

DAY, MONTH = PeriodBudget("5", "Day"), PeriodBudget("100", "Month")
KEYS = {name: sha256(f"sk-{name}".encode()).hexdigest() for name in "abcd"}
REQUEST = parse_client_request(b'{"model": "model", "max_tokens": 4}')


def key(name: str, sha: str = "", **fields: object) -> ClientKey:
    return ClientKey(f"team/{name}", sha or KEYS[name], grant="teams", **fields)  # type: ignore[arg-type]


def snapshot(*clients: ClientKey, grant: KeyGrant | None = None, ledger: str = "Local") -> Snapshot:
    grants = (grant or KeyGrant("teams", ("m*",), Limits(rpm=50), MONTH),)
    groups = (Group("all", Limits(tpm=70), DAY),)
    auth = Auth(clients=clients, grants=grants, groups=groups)
    return Snapshot(auth=auth, ledger=ledger)


BASIC = (key("a", limits=Limits(rpm=5), budgets=(DAY,)), key("b"))
SNAPSHOTS = {
    "basic": snapshot(*BASIC),
    "empty": snapshot(),
    "another key": snapshot(key("a", KEYS["d"], limits=Limits(rpm=5), budgets=(DAY,)), key("b")),
    "overlap": snapshot(key("a", KEYS["d"], former=FormerKey(KEYS["a"], 2e9)), key("b")),
    "other limits": snapshot(key("a", limits=Limits(tpm=9), budgets=(MONTH, DAY)), key("b")),
    "of models": snapshot(key("a", model_limits=(ModelLimits("m*", Limits(rpm=3)),)), key("c")),
    "a group": snapshot(key("a", groups=("all",)), key("b", groups=("all",), budgets=(DAY,))),
    "other grant": snapshot(*BASIC, grant=KeyGrant("teams", ("x",), Limits(rpm=7))),
    "no grant": snapshot(*BASIC, grant=KeyGrant("others", ("m*",))),
    "keys swapped": snapshot(key("a", KEYS["b"]), key("b", KEYS["a"])),
    "shared": snapshot(*BASIC, ledger="Redis"),
}


class Process:
    """All that a snapshot sets for clients."""

    def __init__(self) -> None:
        self.leases = Leases("pod", lambda: 100.0)
        self.limiter = Limiter(lambda: 100.0, self.leases)
        self.budgets = Budgets(self.leases, lambda: 1.8e9)
        self.keyring: Keyring | None = None

    def reload(self, made: Snapshot) -> None:
        self.limiter.reload(made)
        self.budgets.reload(made)
        self.keyring = Keyring(made.auth, lambda: 1.8e9)

    def told(self) -> dict[str, object]:
        """Who has which key, and what binds them."""
        told: dict[str, object] = {}
        for name in KEYS:
            told[f"key {name}"] = self.owner(f"sk-{name}")
            told[f"requests {name}"] = self.let_through(f"client/team/{name}")
            scopes = self.budgets.of(f"client/team/{name}")
            told[f"budgets {name}"] = [(s.kind, s.name, s.budget) for s in scopes]
        told["budgets"] = sorted((s.kind, s.name, s.budget.period) for s in self.budgets.scopes)
        return told

    def owner(self, sent: str) -> tuple[str, bool]:
        """Whose key it is, and whether that one may use the model."""
        assert self.keyring is not None
        try:
            owner = self.keyring.authenticate({b"x-api-key": sent.encode()})
        except Failure:
            return "", False
        return owner.name, owner.may_use("model")

    def let_through(self, tenant: str) -> tuple[int, str]:
        """How many requests are let through, and why no further one is."""
        for count in range(100):
            try:
                self.limiter.reserve(tenant, "model", REQUEST)
            except Failure as refused:
                return count, refused.message
        return 100, ""


@pytest.mark.parametrize(("first", "second"), list(permutations(SNAPSHOTS, 2)))
def test_whatever_was_before_clients_have_what_the_snapshot_says(first: str, second: str) -> None:
    reloaded, begun = Process(), Process()
    for name in (first, second, second):
        reloaded.reload(SNAPSHOTS[name])
    begun.reload(SNAPSHOTS[second])
    assert reloaded.told() == begun.told()


def test_what_was_used_of_a_key_that_has_not_changed_is_not_forgotten() -> None:
    process = Process()
    process.reload(SNAPSHOTS["basic"])
    assert process.let_through("client/team/a")[0] == 5
    process.reload(snapshot(*BASIC, key("c")))
    assert process.let_through("client/team/a")[0] == 0
