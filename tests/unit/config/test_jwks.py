"""JWK sets: which keys are taken, and that nothing private is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from airouter.config.jwks import MOST, UnreadableJwks, algorithms_of, public_keys
from support.token_issuer import jwk_of, rsa_key

KEY = jwk_of(rsa_key(), "one")
WEAK = jwk_of(rsa.generate_private_key(public_exponent=65537, key_size=1024), "weak")


def a_set(*keys: Any) -> str:
    return json.dumps({"keys": keys})


def test_the_public_half_is_taken_alone() -> None:
    (found,) = public_keys(a_set({**KEY, "d": "private", "x5c": ["certificate"]}))
    assert (found.kid, found.kty, found.n) == ("one", "RSA", KEY["n"])
    assert "private" not in repr(found)


def test_a_key_may_be_for_one_algorithm() -> None:
    (found,) = public_keys(a_set({**KEY, "alg": "RS256"}))
    assert algorithms_of(found) == ("RS256",)


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "one"},
        {**KEY, "kid": ""},
        {**KEY, "use": "enc"},
        {**KEY, "alg": "HS256"},
        {**KEY, "alg": "none"},
        {**KEY, "n": "not base64!"},
        {**KEY, "e": None},
        WEAK,
        {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA", "kid": "one"},
        {"kty": "OKP", "crv": "P-256", "x": "AA", "kid": "one"},
        "text",
    ],
)
def test_keys_that_are_of_no_use_are_left_out(key: Any) -> None:
    with pytest.raises(UnreadableJwks):
        public_keys(a_set(key))
    assert len(public_keys(a_set(key, KEY))) == 1


@pytest.mark.parametrize("text", ["", "{}", "[]", "[" * 100_000, a_set(), " " * 300_000])
def test_what_is_no_set_is_refused(text: str) -> None:
    with pytest.raises(UnreadableJwks):
        public_keys(text)


def test_of_very_many_the_first_are_taken() -> None:
    assert len(public_keys(a_set(*({**KEY, "kid": str(n)} for n in range(MOST + 9))))) == MOST
