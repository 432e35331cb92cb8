"""The bytes of requests in hand: bounded for all, shared out among clients."""

from __future__ import annotations

import pytest

from airouter.bounds.held_bytes import SMALL, HeldBytes, Holding
from airouter.failures import Failure

MIB = 1 << 20


def fill(held: HeldBytes, client: str, size: int = MIB) -> list[Holding]:
    """Everything that a client gets."""
    holdings: list[Holding] = []
    while True:
        try:
            holdings.append(held.hold(client, size))
        except Failure:
            return holdings


def test_one_that_is_too_much_is_told_to_come_again() -> None:
    with pytest.raises(Failure) as caught:
        HeldBytes(MIB).hold("a", MIB)
    assert (caught.value.status, caught.value.retry_after) == (503, 1.0)


def test_a_client_gets_half_of_all_and_the_next_half_of_the_rest() -> None:
    held = HeldBytes(64 * MIB)
    assert [len(fill(held, name)) for name in ("a", "b", "c")] == [32, 16, 8]


def test_what_is_answered_can_be_held_again() -> None:
    held = HeldBytes(8 * MIB)
    for holding in fill(held, "a"):
        holding.release()
        holding.release()
    assert len(fill(held, "a")) == 4


def test_a_small_request_is_let_in_however_much_is_held() -> None:
    held = HeldBytes(MIB)
    fill(held, "a", SMALL + 1)
    held.hold("a", SMALL)
    held.hold("b", SMALL)


def test_a_holding_that_may_not_grow_holds_what_it_did() -> None:
    held = HeldBytes(8 * MIB)
    holding = held.hold("a", MIB)
    with pytest.raises(Failure):
        holding.resize(5 * MIB)
    assert holding.size == MIB
    holding.resize(4 * MIB)
    holding.release()
    assert len(fill(held, "b")) == 4
