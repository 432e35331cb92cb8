"""Backends, and models that have them, for tests that choose among them."""

from __future__ import annotations

from random import Random

from airouter.config.snapshot import Backend as DeclaredBackend
from airouter.config.snapshot import Credential, Fail2ban, Model, Snapshot
from airouter.routing.catalog import Backend, Load, Route, Tier
from airouter.routing.fail2ban import Bans
from airouter.routing.selection import Selection

Node = Backend[None]


def a_backend(name: str, weight: int = 1) -> Node:
    """A backend of a credential with this name."""
    return Backend(name, f"{name}-model", weight, Load(), None)


def a_route(*tiers: list[Node], name: str = "m", **model: object) -> Route[None]:
    """A model with tiers of backends."""
    return Route(Model(name=name, **model), [Tier(tier) for tier in tiers])  # type: ignore[arg-type]


def some_bans(*credentials: str, **policy: object) -> Bans:
    """The bans of backends of some credentials."""
    tier = tuple(DeclaredBackend(name, f"{name}-model") for name in credentials)
    bans = Bans()
    bans.reload(
        Snapshot(
            credentials=tuple(Credential(name, "OpenAI") for name in credentials),
            models=(Model("m", tiers=(tier,)),),
            fail2ban=Fail2ban(**policy),  # type: ignore[arg-type]
        ),
        0.0,
    )
    return bans


def selection(seed: int = 1) -> Selection:
    """A choice whose chance repeats."""
    return Selection(Bans(), Random(seed))
