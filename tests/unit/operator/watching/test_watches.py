"""The liveness of watches."""

from __future__ import annotations

from airouter_operator.watching.kinds import ROUTER_CONFIGS, SECRETS
from airouter_operator.watching.watches import Watches


class Clock:
    """Seconds that pass when it is said."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_watch_of_one_namespace_is_dead_whatever_is_heard_from_another() -> None:
    clock = Clock()
    watches = Watches(["a", "b"], clock)
    watches.missed(ROUTER_CONFIGS, "a")
    clock.now = 90
    watches.heard(ROUTER_CONFIGS, "b")
    watches.heard(SECRETS, "a")
    assert [str(watch) for watch in watches.silent_for(90)] == ["routerconfigs in a"]
    assert (watches.age(ROUTER_CONFIGS), watches.age(SECRETS)) == (90, 90)
    watches.heard(ROUTER_CONFIGS, "a")
    assert (watches.silent_for(0), watches.age(ROUTER_CONFIGS)) == ([], 0)


def test_the_watch_of_a_cluster_is_heard_from_every_namespace() -> None:
    watches = Watches([None], Clock())
    watches.missed(ROUTER_CONFIGS, "a")
    assert [str(watch) for watch in watches.silent_for(0)] == ["routerconfigs"]
    watches.heard(ROUTER_CONFIGS, "b")
    assert watches.silent_for(0) == []
