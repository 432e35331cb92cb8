"""Limits of one router, with time in the test's hand."""

from __future__ import annotations

import json
from bisect import bisect_left
from typing import Any

import pytest

from airouter.config.snapshot import (
    Auth,
    Backend,
    ClientKey,
    Credential,
    Group,
    KeyGrant,
    Limits,
    Model,
    ModelLimits,
    Snapshot,
)
from airouter.dialects.client_request import ClientRequest, parse_client_request
from airouter.failures import Failure
from airouter.limits import FREE, Limiter, Permit
from airouter.limits.counters import Counters
from airouter.limits.headers import limit_headers

TEAM = "client/team"


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def a_request(**fields: Any) -> ClientRequest:
    """A chat of a hundred tokens in and, at most, a hundred out."""
    body = {"model": "m", "max_tokens": 100, "messages": "x" * 350, **fields}
    return parse_client_request(json.dumps(body).encode())


SMALL = a_request()


def a_client(name: str = "team", **fields: Any) -> ClientKey:
    """A client."""
    return ClientKey(name, "00" * 32, **fields)


def a_limiter(
    *clients: ClientKey,
    groups: tuple[Group, ...] = (),
    grants: tuple[KeyGrant, ...] = (),
    model: Limits = Limits(),  # noqa: B008 - frozen
    clock: Clock | None = None,
) -> Limiter:
    """A limiter of clients, groups, grants and the model `m`."""
    limiter = Limiter(clock or Clock())
    auth = Auth(clients=clients, groups=groups, grants=grants)
    limiter.reload(Snapshot(models=(Model("m", limits=model),), auth=auth))
    return limiter


def refused(limiter: Limiter, tenant: str = TEAM, request: ClientRequest = SMALL) -> Failure:
    """The failure of one request too many."""
    with pytest.raises(Failure) as caught:
        limiter.reserve(tenant, "m", request)
    assert (caught.value.status, caught.value.code) == (429, "rate_limit_exceeded")
    return caught.value


def test_who_has_no_limits_needs_no_permit() -> None:
    limiter = a_limiter(a_client())
    assert limiter.reserve(TEAM, "m", SMALL) is FREE
    assert limiter.reserve("master", "m", SMALL) is FREE


def test_no_minute_has_more_requests_than_allowed_and_no_five_minutes_many_fewer() -> None:
    clock = Clock()
    limiter = a_limiter(a_client(limits=Limits(rpm=600)), clock=clock)
    admitted: list[float] = []
    for tick in range(90_000):  # a hundred requests a second, for fifteen minutes
        clock.now = 1_000 + tick / 100
        try:
            limiter.reserve(TEAM, "m", SMALL).settle(0, 0)
        except Failure:
            continue
        admitted.append(clock.now)
    for first, at in enumerate(admitted):
        assert bisect_left(admitted, at + 60) - first <= 600
        if at < 1_600:
            assert bisect_left(admitted, at + 300) - first >= 2_910


def test_a_refusal_says_when_there_is_room_and_then_there_is() -> None:
    clock = Clock()
    limiter = a_limiter(a_client(limits=Limits(rpm=2)), clock=clock)
    limiter.reserve(TEAM, "m", SMALL)
    clock.now += 20
    limiter.reserve(TEAM, "m", SMALL)
    clock.now += 10
    failure = refused(limiter)
    assert failure.type == "requests"
    assert "the client 'team': 2 requests per minute (rpm)" in failure.message
    assert failure.retry_after == pytest.approx(30, abs=0.2)
    clock.now += failure.retry_after or 0
    limiter.reserve(TEAM, "m", SMALL)
    refused(limiter)


def test_tokens_are_reserved_as_estimated_and_charged_as_they_were() -> None:
    limiter = a_limiter(a_client(limits=Limits(tpm=1_000)))
    permits = [limiter.reserve(TEAM, "m", SMALL) for _ in range(5)]
    assert refused(limiter).type == "tokens"
    for permit in permits:
        permit.settle(100, 10)
    for _ in range(2):
        limiter.reserve(TEAM, "m", SMALL)
    refused(limiter)


def test_tokens_of_a_stream_stay_reserved_however_long_it_takes() -> None:
    clock = Clock()
    limiter = a_limiter(a_client(limits=Limits(tpm=300)), clock=clock)
    stream = limiter.reserve(TEAM, "m", SMALL)
    clock.now += 600
    refused(limiter)
    stream.settle(100, 100)
    refused(limiter)
    clock.now += 61
    limiter.reserve(TEAM, "m", SMALL)


def test_more_than_was_reserved_is_a_debt() -> None:
    clock = Clock()
    limiter = a_limiter(a_client(limits=Limits(tpm=300)), clock=clock)
    limiter.reserve(TEAM, "m", SMALL).settle(100, 5_000)
    failure = refused(limiter)
    assert failure.retry_after == pytest.approx(60, abs=0.2)


def test_a_request_larger_than_the_limit_is_told_that_it_will_never_fit() -> None:
    limiter = a_limiter(a_client(limits=Limits(tpm=50)))
    failure = refused(limiter)
    assert failure.retry_after is None
    assert failure.exhausted
    assert "needs more tokens than the limit" in failure.message


def test_a_request_that_nobody_answered_costs_nothing() -> None:
    limiter = a_limiter(a_client(limits=Limits(rpm=1, tpm=250)))
    for _ in range(3):
        limiter.reserve(TEAM, "m", SMALL).give_back()
    limiter.reserve(TEAM, "m", SMALL)
    refused(limiter)


def test_requests_at_the_same_time_are_counted_until_they_end() -> None:
    limiter = a_limiter(a_client(limits=Limits(max_concurrent=2)))
    first, _ = limiter.reserve(TEAM, "m", SMALL), limiter.reserve(TEAM, "m", SMALL)
    failure = refused(limiter)
    assert (failure.retry_after, "at the same time" in failure.message) == (1.0, True)
    first.settle(0, 0)
    first.settle(0, 0)  # ended already
    limiter.reserve(TEAM, "m", SMALL)
    refused(limiter)


def test_a_grant_limits_all_its_keys_together() -> None:
    clients = [a_client(name, grant="teams") for name in ("a/one", "b/two")]
    limiter = a_limiter(*clients, a_client(), grants=(KeyGrant("teams", limits=Limits(rpm=1)),))
    limiter.reserve("client/a/one", "m", SMALL)
    assert "the grant 'teams'" in refused(limiter, "client/b/two").message
    assert limiter.reserve(TEAM, "m", SMALL) is FREE


def test_a_group_and_a_model_limit_all_their_clients_together() -> None:
    clients = [a_client(name, groups=("all",)) for name in ("team", "other")]
    limiter = a_limiter(*clients, groups=(Group("all", Limits(rpm=1)),))
    limiter.reserve(TEAM, "m", SMALL)
    assert "the group 'all'" in refused(limiter, "client/other").message
    limiter = a_limiter(*clients, model=Limits(rpm=1))
    limiter.reserve("master", "m", SMALL)
    assert "the model 'm'" in refused(limiter, "client/other").message


def test_a_group_that_is_named_twice_takes_a_request_once() -> None:
    limiter = a_limiter(a_client(groups=("all", "all")), groups=(Group("all", Limits(rpm=2)),))
    for _ in range(2):
        limiter.reserve(TEAM, "m", SMALL)
    refused(limiter)


def test_a_client_has_limits_of_its_own_for_some_models() -> None:
    limits = (ModelLimits("gpt-*", Limits(rpm=1)),)
    limiter = a_limiter(a_client(model_limits=limits))
    limiter.reserve(TEAM, "gpt-5", SMALL)
    limiter.reserve(TEAM, "m", SMALL)
    with pytest.raises(Failure, match="team/gpt-"):
        limiter.reserve(TEAM, "gpt-4", SMALL)


def test_a_refused_request_takes_nothing_of_its_other_limits() -> None:
    limiter = a_limiter(a_client(limits=Limits(rpm=5)), model=Limits(max_concurrent=1))
    permit = limiter.reserve(TEAM, "m", SMALL)
    for _ in range(20):
        refused(limiter)
    permit.settle(0, 0)
    for _ in range(4):
        limiter.reserve(TEAM, "m", SMALL).settle(0, 0)
    assert "the client" in refused(limiter).message


def test_a_reload_changes_limits_and_forgets_nothing() -> None:
    limiter = a_limiter(a_client(limits=Limits(rpm=1)))
    limiter.reserve(TEAM, "m", SMALL)
    auth = Auth(clients=(a_client(limits=Limits(rpm=2)),))
    limiter.reload(Snapshot(models=(Model("m"),), auth=auth))
    limiter.reserve(TEAM, "m", SMALL)
    refused(limiter)


def test_a_reload_forgets_nothing_of_what_a_client_used_of_a_model() -> None:
    client = a_client(model_limits=(ModelLimits("gpt-*", Limits(rpm=1)),))
    limiter = a_limiter(client)
    limiter.reserve(TEAM, "gpt-5", SMALL)
    limiter.reload(Snapshot(models=(Model("gpt-5"),), auth=Auth(clients=(client,))))
    with pytest.raises(Failure):
        limiter.reserve(TEAM, "gpt-5", SMALL)


def test_a_batch_client_leaves_the_last_of_shared_limits_to_others() -> None:
    batch, other = a_client("batch", is_batch=True), a_client()
    limiter = a_limiter(batch, other, model=Limits(rpm=20))
    for _ in range(19):
        limiter.reserve("client/batch", "m", SMALL)
    assert "kept for interactive clients" in refused(limiter, "client/batch").message
    limiter.reserve(TEAM, "m", SMALL)


def test_estimates_learn_how_long_the_tokens_of_a_model_are() -> None:
    limiter = a_limiter(a_client(limits=Limits(tpm=1_000_000)))
    chinese = a_request(max_tokens=1)
    for _ in range(50):
        limiter.reserve(TEAM, "m", chinese).settle(400, 1)
    limiter.reload(
        Snapshot(models=(Model("m"),), auth=Auth(clients=(a_client(limits=Limits(tpm=300)),)))
    )
    assert "needs more tokens" in refused(limiter, request=chinese).message


def test_an_answer_teaches_once_although_its_request_and_its_attempt_both_end() -> None:
    limiter = a_limiter(a_client(limits=Limits(tpm=1_000_000)), model=Limits(tpm=1_000_000))
    permit = limiter.reserve(TEAM, "m", SMALL)
    scopes = limiter.models["m"]
    limiter.reserve_attempt(Counters(scopes), "m", SMALL, permit.estimate).settle(40, 5)
    permit.settle(40, 5)
    assert permit.estimate.learnt.answers == 1


def test_limits_of_a_backend_and_of_its_credential_bind_an_attempt() -> None:
    limiter = Limiter(Clock())
    backends = (
        Backend("c", "up", limits=Limits(rpm=1)),
        Backend("c", "other"),
        Backend("free", "up"),
    )
    credentials = (Credential("c", "OpenAI", limits=Limits(rpm=2)), Credential("free", "OpenAI"))
    limiter.reload(Snapshot(credentials=credentials, models=(Model("m", tiers=(backends,)),)))

    def attempt(credential: str, name: str) -> Permit:
        counters = limiter.of_backend(credential, name)
        assert counters is not None
        return limiter.reserve_attempt(counters, "m", SMALL)

    assert limiter.of_backend("free", "up") is None
    attempt("c", "up")
    for name in ("up", "other", "other"):
        if name == "up":
            with pytest.raises(Failure, match="every account"):
                attempt("c", name)
    attempt("c", "other")
    with pytest.raises(Failure):
        attempt("c", "other")


def test_a_reload_forgets_nothing_of_a_backend_that_two_models_limit_each_in_its_way() -> None:
    limiter = Limiter(Clock())
    limits = {"one": Limits(tpm=10_000), "two": Limits(rpm=9, max_concurrent=2)}
    models = tuple(
        Model(name, tiers=((Backend("c", "up", limits=each),),)) for name, each in limits.items()
    )

    def attempt(model: str) -> None:
        counters = limiter.of_backend("c", "up")
        assert counters is not None
        limiter.reserve_attempt(counters, model, SMALL)

    for model in limits:
        limiter.reload(Snapshot(credentials=(Credential("c", "OpenAI"),), models=models))
        attempt(model)
    with pytest.raises(Failure, match="every account"):
        attempt("one")


@pytest.mark.parametrize(
    ("dialect", "told"),
    [
        (
            "OpenAI",
            {
                b"x-ratelimit-limit-requests": b"3",
                b"x-ratelimit-remaining-requests": b"2",
                b"x-ratelimit-limit-tokens": b"500",
                b"x-ratelimit-remaining-tokens": b"300",
            },
        ),
        (
            "Anthropic",
            {
                b"anthropic-ratelimit-requests-limit": b"3",
                b"anthropic-ratelimit-requests-remaining": b"2",
                b"anthropic-ratelimit-tokens-limit": b"500",
                b"anthropic-ratelimit-tokens-remaining": b"300",
            },
        ),
    ],
)
def test_a_client_is_told_of_its_own_limits_alone(dialect: str, told: dict[bytes, bytes]) -> None:
    limiter = Limiter()
    client = a_client(limits=Limits(rpm=3, tpm=500))
    model = Model("m", limits=Limits(rpm=2))
    limiter.reload(Snapshot(models=(model,), auth=Auth(clients=(client,))))
    permit = limiter.reserve(TEAM, "m", SMALL)
    headers = dict(limit_headers(permit.own, dialect))
    resets = {name: headers.pop(name) for name in list(headers) if b"reset" in name}
    assert headers == told
    assert len(resets) == 2
    assert all(resets.values())
    assert limit_headers(FREE.own, dialect) == []
