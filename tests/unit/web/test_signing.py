"""Signing in to the page: who is known, for how long, and who has to wait."""

from __future__ import annotations

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from airouter.web.signing import (
    FAILURES_PER_MINUTE,
    LABEL,
    LASTS,
    MOST_ADDRESSES,
    MOST_SIGNED_OUT,
    SignIns,
    token_key,
)

MASTER = sha256(b"sk-master").hexdigest()
ANOTHER = sha256(b"sk-another").hexdigest()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_token_is_good_for_hours_and_not_for_ever() -> None:
    clock = Clock()
    known = SignIns(clock)
    token = known.sign_in(MASTER)
    assert known.knows(token, MASTER)
    clock.now = LASTS - 1
    assert known.knows(token, MASTER)
    clock.now = LASTS
    assert not known.knows(token, MASTER)


def test_every_process_with_the_same_master_key_knows_a_token() -> None:
    token = SignIns().sign_in(MASTER)
    assert SignIns().knows(token, MASTER)
    assert not SignIns().knows(token, ANOTHER)
    assert not SignIns().knows(token, None)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_who_changes_a_token_is_not_known(part: int) -> None:
    known = SignIns(Clock())
    parts = known.sign_in(MASTER).split(".")
    parts[part] = "9" + parts[part]
    assert not known.knows(".".join(parts), MASTER)


@pytest.mark.parametrize("token", ["", ".", "..", "9", "\N{SUPERSCRIPT TWO}..", "9" * 10_000])
def test_what_is_no_token_is_not_known(token: str) -> None:
    assert not SignIns().knows(token, MASTER)


def test_the_key_of_tokens_is_derived_by_hkdf() -> None:
    derived = HKDF(SHA256(), 32, salt=None, info=LABEL).derive(bytes.fromhex(MASTER))
    assert token_key(MASTER) == derived


def test_signing_out_ends_a_token_and_no_other() -> None:
    known = SignIns()
    token, other = known.sign_in(MASTER), known.sign_in(MASTER)
    known.sign_out(token, MASTER)
    assert not known.knows(token, MASTER)
    assert known.knows(other, MASTER)


def test_who_is_not_signed_in_cannot_make_those_good_again_that_signed_out() -> None:
    known = SignIns()
    token = known.sign_in(MASTER)
    known.sign_out(token, MASTER)
    for number in range(MOST_SIGNED_OUT + 1):
        known.sign_out(f"{number}.x.y", MASTER)
    assert not known.knows(token, MASTER)


def test_wrong_keys_of_an_address_have_to_wait_and_others_do_not() -> None:
    clock = Clock()
    known = SignIns(clock=clock)
    for _ in range(FAILURES_PER_MINUTE):
        assert known.may_try("a")
        known.note_failure("a")
    assert not known.may_try("a")
    assert known.may_try("b")
    clock.now = 61.0
    assert known.may_try("a")


def test_only_so_many_addresses_are_remembered() -> None:
    known = SignIns(clock=Clock())
    for _ in range(FAILURES_PER_MINUTE):
        known.note_failure("a")
    for number in range(MOST_ADDRESSES):
        known.note_failure(str(number))
    assert known.may_try("a")
