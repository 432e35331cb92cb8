"""Signing in to the page: who is known, for how long, and who has to wait."""

from __future__ import annotations

from airouter.web.signing import FAILURES_PER_MINUTE, LASTS, MOST_ADDRESSES, MOST_SIGNED_IN, SignIns


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_token_is_good_for_hours_and_not_for_ever() -> None:
    clock = Clock()
    known = SignIns(clock)
    token = known.sign_in("digest")
    assert known.knows(token, "digest")
    assert not known.knows(token + "x", "digest")
    clock.now = LASTS
    assert not known.knows(token, "digest")


def test_another_master_key_and_signing_out_end_it() -> None:
    known = SignIns()
    token, other = known.sign_in("digest"), known.sign_in("digest")
    assert not known.knows(token, "another")
    assert not known.knows(token, None)
    known.sign_out(token)
    assert not known.knows(token, "digest")
    assert known.knows(other, "digest")


def test_only_so_many_are_signed_in() -> None:
    known = SignIns()
    tokens = [known.sign_in("digest") for _ in range(MOST_SIGNED_IN + 1)]
    assert not known.knows(tokens[0], "digest")
    assert known.knows(tokens[1], "digest")


def test_wrong_keys_of_an_address_have_to_wait_and_others_do_not() -> None:
    clock = Clock()
    known = SignIns(clock)
    for _ in range(FAILURES_PER_MINUTE):
        assert known.may_try("a")
        known.note_failure("a")
    assert not known.may_try("a")
    assert known.may_try("b")
    clock.now = 61.0
    assert known.may_try("a")


def test_only_so_many_addresses_are_remembered() -> None:
    known = SignIns(Clock())
    for _ in range(FAILURES_PER_MINUTE):
        known.note_failure("a")
    for number in range(MOST_ADDRESSES):
        known.note_failure(str(number))
    assert known.may_try("a")
