"""Keys and whom they belong to."""

from __future__ import annotations

import gc
from hashlib import sha256

import pytest

from airouter.auth import Keyring
from airouter.config.snapshot import Auth, ClientKey
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
