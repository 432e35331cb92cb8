"""Pauses double, have an end, and spread replicas."""

from __future__ import annotations

from airouter.eventloop.pauses import pause_after


def test_pauses_double_up_to_the_longest_and_differ_from_replica_to_replica() -> None:
    for failures, pause in ((1, 0.5), (2, 1.0), (3, 2.0), (4, 3.0), (1_000_000, 3.0)):
        taken = {pause_after(failures, first=0.5, longest=3.0) for _ in range(100)}
        assert pause / 2 <= min(taken) < max(taken) <= pause
