"""Clients that are declared, and those that showed a token, as limits and budgets know them."""

from __future__ import annotations

from pathlib import Path

import pytest

from airouter.config.budget import PeriodBudget
from airouter.config.snapshot import Auth, ClientKey, Group, Limits, Model, Snapshot
from airouter.config.snapshot.token_clients import JwtClients, TokenIssuer
from airouter.dialects.client_request import ClientRequest, parse_client_request
from airouter.failures import Failure
from airouter.limits import FREE
from airouter.limits import clients as room
from airouter.limits.clients import Clients, client_by
from airouter.limits.shared_limits import SharedLimits

MODELS = (Model("m"),)
DAILY = PeriodBudget("5", "Day")
RULE = JwtClients("corp", TokenIssuer("i"), ("a",), limits=Limits(rpm=2))


def a_request() -> ClientRequest:
    return parse_client_request(b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}')


def a_snapshot(*rules: JwtClients, clients: tuple[ClientKey, ...] = ()) -> Snapshot:
    groups = (Group("team", Limits(), DAILY),)
    return Snapshot(models=MODELS, auth=Auth(jwt=rules, clients=clients, groups=groups))


def a_process(tmp_path: Path, snapshot: Snapshot) -> SharedLimits:
    """Limits and budgets of a process that counts alone, and speaks with no ledger."""
    limits = SharedLimits("pod", tmp_path / "ledger.sqlite")
    load(limits, snapshot)
    return limits


def load(limits: SharedLimits, snapshot: Snapshot) -> None:
    limits.clients.reload(snapshot.auth)
    limits.limiter.reload(snapshot, limits.clients)
    limits.budgets.reload(snapshot, limits.clients)


def test_a_client_that_shows_a_token_is_limited_from_then_on_and_over_reloads(
    tmp_path: Path,
) -> None:
    limits = a_process(tmp_path, a_snapshot(RULE))
    alice = client_by(RULE, "jwt/corp/alice")
    limits.meet(alice, "jwt/corp")
    limits.limiter.reserve(alice.tenant, "m", a_request())
    limits.meet(alice, "jwt/corp")  # by another token
    load(limits, a_snapshot(RULE))
    limits.limiter.reserve(alice.tenant, "m", a_request())
    with pytest.raises(Failure):
        limits.limiter.reserve(alice.tenant, "m", a_request())
    load(limits, a_snapshot())
    assert limits.limiter.reserve(alice.tenant, "m", a_request()) is FREE


def test_a_client_that_shows_a_token_has_the_budgets_of_its_rule_and_of_its_groups(
    tmp_path: Path,
) -> None:
    rule = JwtClients("corp", TokenIssuer("i"), ("a",), groups=("team",), budgets=(DAILY,))
    limits = a_process(tmp_path, a_snapshot(rule))
    assert limits.budgets.are_declared
    alice, bob = (client_by(rule, f"jwt/corp/{name}") for name in ("alice", "bob"))
    for client in (alice, bob):
        assert not limits.budgets.of(client.tenant), "it has shown no token yet"
        limits.meet(client, "jwt/corp")
    own, shared = limits.budgets.of(alice.tenant)
    assert (own.kind, own.name, shared.kind, shared.name) == (
        "client",
        "jwt/corp/alice",
        "group",
        "team",
    )
    assert limits.budgets.of(bob.tenant)[1] is shared
    assert limits.budgets.of(bob.tenant)[0] is not own
    more = PeriodBudget("9", "Day")
    load(limits, a_snapshot(JwtClients("corp", TokenIssuer("i"), ("a",), budgets=(more,))))
    assert limits.budgets.of(alice.tenant) == (own,), "what was spent of it counts on"
    assert own.budget is more


def test_of_clients_that_show_tokens_those_that_were_seen_last_are_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(room, "MOST_MET", 2)
    monkeypatch.setattr(room, "FORGOTTEN_AT_ONCE", 1)
    rule = JwtClients(
        "corp", TokenIssuer("i"), ("a",), limits=Limits(max_concurrent=1), budgets=(DAILY,)
    )
    limits = a_process(tmp_path, a_snapshot(rule))
    clients = [client_by(rule, f"jwt/corp/{n}") for n in range(3)]
    for client in clients:
        limits.meet(client, "jwt/corp")
        assert limits.budgets.of(client.tenant)
        limits.limiter.reserve(client.tenant, "m", a_request())
    assert limits.limiter.reserve(clients[0].tenant, "m", a_request()) is FREE
    assert not limits.budgets.of(clients[0].tenant)
    assert {scope.name for scope in limits.budgets.scopes} == {"jwt/corp/1", "jwt/corp/2"}
    with pytest.raises(Failure):
        limits.limiter.reserve(clients[1].tenant, "m", a_request())


def test_of_a_client_that_is_forgotten_no_budget_stays_whatever_came_since_it_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(room, "MOST_MET", 2)
    monkeypatch.setattr(room, "FORGOTTEN_AT_ONCE", 2)
    rule = JwtClients("corp", TokenIssuer("i"), ("a",), budgets=(DAILY,))
    limits = a_process(tmp_path, a_snapshot(rule))
    alice, bob, carol = (client_by(rule, f"jwt/corp/{n}") for n in ("alice", "bob", "carol"))
    for client in (alice, bob):
        limits.meet(client, "jwt/corp")
        limits.budgets.of(client.tenant)
    load(limits, a_snapshot(rule))
    limits.budgets.of(alice.tenant)
    limits.meet(alice, "jwt/corp")  # by another token, with which it asks no model
    limits.meet(carol, "jwt/corp")
    assert [scope.name for scope in limits.budgets.scopes] == []


async def test_a_reload_costs_nothing_for_clients_that_have_not_asked(tmp_path: Path) -> None:
    clients = tuple(
        ClientKey(f"c{n}", "00" * 32, limits=Limits(rpm=1), groups=("team",), budgets=(DAILY,))
        for n in range(1_000)
    )
    limits = a_process(tmp_path, a_snapshot(clients=clients))
    for _ in range(2):
        assert [scope.name for scope in limits.budgets.scopes] == []
        assert await limits.limiter.most_used() == []
        load(limits, a_snapshot(clients=clients))
    limits.limiter.reserve("client/c7", "m", a_request())
    assert len(limits.budgets.of("client/c7")) == 2
    load(limits, a_snapshot(clients=clients))
    assert [scope.name for scope in limits.budgets.scopes] == ["c7", "team"]
    assert [usage.name for usage in await limits.limiter.most_used()] == ["c7"]
    load(limits, a_snapshot(clients=clients[:7]))
    assert [scope.name for scope in limits.budgets.scopes] == ["team"]
    assert await limits.limiter.most_used() == []


def test_a_change_of_a_group_binds_its_clients_at_once(tmp_path: Path) -> None:
    client = ClientKey("c", "00" * 32, groups=("team",))
    limits = a_process(tmp_path, a_snapshot(clients=(client,)))
    assert limits.limiter.reserve(client.tenant, "m", a_request()) is FREE
    assert limits.budgets.of(client.tenant)[0].budget == DAILY
    auth = Auth(clients=(client,), groups=(Group("team", Limits(rpm=1)),))
    load(limits, Snapshot(models=MODELS, auth=auth))
    assert not limits.budgets.of(client.tenant)
    assert limits.limiter.reserve(client.tenant, "m", a_request()) is not FREE
    with pytest.raises(Failure, match="team"):
        limits.limiter.reserve(client.tenant, "m", a_request())


def test_all_clients_are_listed_with_what_their_rules_say_now() -> None:
    clients = Clients.of(Auth(clients=(ClientKey("c", "00" * 32),), jwt=(RULE,)))
    clients.meet(client_by(RULE, "jwt/corp/alice"), "jwt/corp")
    clients.reload(Auth(jwt=(JwtClients("corp", TokenIssuer("i"), ("a",), budgets=(DAILY,)),)))
    (alice,) = clients
    assert (alice.name, alice.limits, alice.budgets) == ("jwt/corp/alice", Limits(), (DAILY,))
