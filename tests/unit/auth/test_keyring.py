"""Keys and whom they belong to."""

from __future__ import annotations

import gc
from hashlib import sha256

import pytest

from airouter.auth import Keyring
from airouter.config.snapshot import Auth, ClientKey, FormerKey, KeyGrant
from airouter.failures import Failure

MASTER, TEAM = b"sk-master-0123456789", b"sk-team-0123456789"


def digest(key: bytes) -> str:
    return sha256(key).hexdigest()


def keyring(*, anonymous: bool = False) -> Keyring:
    team = ClientKey(name="team", key_sha256=digest(TEAM), models=("gpt-*", "claude"))
    return Keyring(Auth(master_sha256=digest(MASTER), clients=(team,), anonymous=anonymous))


@pytest.mark.parametrize(
    "headers",
    [
        {b"authorization": b"Bearer " + TEAM},
        {b"authorization": b"bearer  " + TEAM + b" "},
        {b"x-api-key": TEAM},
        {b"authorization": b"Basic abc", b"x-api-key": TEAM},
        {b"authorization": b"Bearer ", b"x-api-key": TEAM},
    ],
)
def test_a_key_is_found_in_either_header(headers: dict[bytes, bytes]) -> None:
    assert keyring().authenticate(headers).name == "team"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "missing_api_key"),
        ({b"authorization": b""}, "missing_api_key"),
        ({b"authorization": b"Bearer"}, "missing_api_key"),
        ({b"authorization": TEAM}, "missing_api_key"),
        ({b"authorization": b"Bearer nobody"}, "invalid_api_key"),
        ({b"authorization": b"Bearer \xff\x00"}, "invalid_api_key"),
        ({b"x-api-key": TEAM[:-1]}, "invalid_api_key"),
    ],
)
def test_no_key_and_a_wrong_key_are_told_apart(headers: dict[bytes, bytes], code: str) -> None:
    with pytest.raises(Failure) as caught:
        keyring().authenticate(headers)
    assert (caught.value.status, caught.value.code) == (401, code)


@pytest.mark.parametrize("headers", [{}, {b"x-api-key": b"whatever"}])
def test_in_anonymous_mode_everybody_is_somebody(headers: dict[bytes, bytes]) -> None:
    assert keyring(anonymous=True).authenticate(headers).name == "anonymous"
    assert keyring(anonymous=True).authenticate({b"x-api-key": TEAM}).name == "team"


def test_globs_say_which_models_are_open() -> None:
    team = keyring().authenticate({b"x-api-key": TEAM})
    answers = [team.may_use(name) for name in ("gpt-4o", "claude", "claude-3", "GPT-4o")]
    assert answers == [True, True, False, False]
    assert keyring().authenticate({b"x-api-key": MASTER}).may_use("anything")


def test_the_first_owner_of_a_key_keeps_it() -> None:
    clients = tuple(ClientKey(name=name, key_sha256=digest(TEAM)) for name in ("one", "two"))
    assert Keyring(Auth(clients=clients)).authenticate({b"x-api-key": TEAM}).name == "one"


class Clock:
    """A time of day that tests set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def names(ring: Keyring, *keys: bytes) -> list[str | None]:
    """The owner of each key; None for a key that is not taken."""
    found: list[str | None] = []
    for key in keys:
        try:
            found.append(ring.authenticate({b"x-api-key": key}).name)
        except Failure:
            found.append(None)
    return found


def test_during_a_rotation_both_keys_belong_to_one_client() -> None:
    clock = Clock()
    former = FormerKey(digest(b"old"), expires_at=1060.0)
    client = ClientKey("team-a/checkout", digest(b"new"), former=former)
    ring = Keyring(Auth(clients=(client,)), clock)
    owners = [ring.authenticate({b"x-api-key": key}) for key in (b"old", b"new")]
    assert owners[0] is owners[1]
    clock.now = 1060.0
    assert names(ring, b"old", b"new") == [None, "team-a/checkout"]


def test_a_client_ends_at_its_time_whichever_key_it_uses() -> None:
    clock = Clock()
    former = FormerKey(digest(b"old"), expires_at=9999.0)
    client = ClientKey("a/b", digest(b"new"), expires_at=1030.0, former=former)
    ring = Keyring(Auth(clients=(client,)), clock)
    assert names(ring, b"old", b"new") == ["a/b", "a/b"]
    clock.now = 1030.0
    assert names(ring, b"old", b"new") == [None, None]


def test_a_key_may_use_what_both_it_and_its_grant_allow() -> None:
    client = ClientKey("a/b", digest(TEAM), models=("gpt-*", "claude"), grant="product")
    grants = (KeyGrant("product", models=("gpt-4*", "claude")),)
    team = Keyring(Auth(clients=(client,), grants=grants)).authenticate({b"x-api-key": TEAM})
    assert [name for name in ("gpt-4o", "gpt-5", "claude", "o3") if team.may_use(name)] == [
        "gpt-4o",
        "claude",
    ]


def test_a_key_whose_grant_is_not_there_may_use_nothing() -> None:
    client = ClientKey("a/b", digest(TEAM), grant="gone")
    team = Keyring(Auth(clients=(client,))).authenticate({b"x-api-key": TEAM})
    assert not team.may_use("gpt-4o")


def test_no_key_is_kept() -> None:
    ring = keyring()
    ring.authenticate({b"x-api-key": TEAM})
    seen: set[int] = set()
    queue: list[object] = [ring]
    while queue:
        found = queue.pop()
        if id(found) not in seen and len(seen) < 10_000:
            seen.add(id(found))
            assert found != TEAM
            queue += gc.get_referents(found) if type(found).__module__ != "builtins" else []
            queue += list(found.values()) if isinstance(found, dict) else []
            queue += list(found) if isinstance(found, (list, tuple)) else []
