"""More budgets than a Secret has room for, as of an issuer with very many holders of tokens."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest

from airouter.bookkeeping.messages import SETTLING, LedgerAnswer, LedgerMessage, Line
from airouter_operator.delivering import write_ahead
from airouter_operator.delivering.ledger import LimitLedger
from airouter_operator.delivering.ledger_store import LedgerStore
from airouter_operator.kube.objects import ObjectKey
from support.secrets_in_memory import SecretsInMemory

A_DAY = 86_400
ROOM = 400
"""Bytes, as much as some ten budgets need."""


class Pod:
    """A pod that asks for a dollar of one budget after the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.seconds, self.number = 1 << 41, 0.0, 0
        self.spent: dict[str, int] = {}
        store = LedgerStore(SecretsInMemory(), ObjectKey("ai", "default"), "uid")
        self.ledger = LimitLedger(store, lambda _step: lambda: self.now)
        monkeypatch.setattr(write_ahead, "monotonic", lambda: self.seconds)

    async def ask(self, subject: str) -> bool:
        """Whether a subject has got its dollar."""
        self.seconds += 1.1
        self.now += 22
        self.number += 1
        total = self.spent.get(subject, 0)
        line = Line(
            f"budget:client:jwt/corp/{subject}:Day", 100, False, total, 0, 1, 1, 1, [], A_DAY
        )
        message = LedgerMessage("pod", "p", self.number, 0, 0, self.now, 0, False, [line])
        body = await self.ledger.exchange(msgspec.json.encode(message), lambda: True)
        assert body is not None
        (grant,) = msgspec.json.decode(body, type=LedgerAnswer).grants
        self.spent[subject] = total + grant.amount
        return grant.amount > 0


async def test_budgets_that_are_known_go_on_where_there_is_no_room_for_new_ones(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(write_ahead, "ROOM_FOR_NEW", ROOM)
    pod = Pod(monkeypatch)
    await pod.ask("first")
    pod.now += SETTLING
    subjects = [sha256(b"%d" % n).hexdigest() for n in range(60)]
    got = [await pod.ask(each) for each in subjects]
    served = sum(got)
    assert 5 < served < 40
    assert got == [True] * served + [False] * (60 - served)
    for _ in range(3):
        assert [await pod.ask(each) for each in subjects[:served]] == [True] * served
    assert caplog.text.count("there is no room") == 1
    assert "grant no more" not in caplog.text
