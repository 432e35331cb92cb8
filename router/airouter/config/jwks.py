"""JWK sets (RFC 7517): the public keys by which tokens are checked.

Only keys for signatures that everybody may check are taken (RFC 7518, section 3; RFC 8037): one
that is a shared secret would let whoever reads it make tokens.
"""

from __future__ import annotations

import re

import msgspec

from airouter.config.snapshot.token_clients import PublicKey
from airouter.untrusted import decoded

LARGEST = 262_144
"""Bytes."""
MOST = 64
"""Keys of one set."""
BASE64URL = re.compile(r"[A-Za-z0-9_-]{1,2048}")
RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}
"""The algorithm of each curve."""
MEMBERS = {"RSA": ("n", "e"), "EC": ("x", "y"), "OKP": ("x",)}
"""The members that a public key of each type has."""
SHORTEST_RSA = 342
"""Characters of a modulus of 2048 bits, the shortest that RFC 7518 allows."""


class UnreadableJwks(Exception):
    """A text that is no JWK set, or has no usable key; it quotes nothing."""


class Jwk(msgspec.Struct):
    """A key as it is declared. What is private, such as `d`, is not even read."""

    kty: str
    kid: str = ""
    use: str = "sig"
    alg: str | None = None
    n: str | None = None
    e: str | None = None
    crv: str | None = None
    x: str | None = None
    y: str | None = None


class JwkSet(msgspec.Struct):
    """A set of keys, each read by itself: one that is of no use does not spoil the rest."""

    keys: list[msgspec.Raw]


_set = msgspec.json.Decoder(JwkSet)
_key = msgspec.json.Decoder(Jwk)


def public_keys(text: str) -> tuple[PublicKey, ...]:
    """Return the usable keys of a JWK set. Raises `UnreadableJwks`."""
    if len(text) > LARGEST:
        raise UnreadableJwks("is too large")
    keys = decoded(_set, text, UnreadableJwks, "is no JWK set").keys
    found = [key for raw in keys[:MOST] if (key := public_key(raw)) is not None]
    if not found:
        raise UnreadableJwks("has no public key with a kid that signs by RS, PS, ES or EdDSA")
    return tuple(found)


def public_key(raw: msgspec.Raw) -> PublicKey | None:
    """Return one key; None for one that is of no use."""
    try:
        jwk = _key.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    key = PublicKey(jwk.kid, jwk.kty, jwk.alg, jwk.n, jwk.e, jwk.crv, jwk.x, jwk.y)
    numbers = [getattr(key, name) or "" for name in MEMBERS.get(key.kty, ())]
    is_whole = bool(numbers) and all(map(BASE64URL.fullmatch, numbers))
    usable = is_whole and 0 < len(key.kid) <= 256 and jwk.use == "sig"
    return key if usable and algorithms_of(key) else None


def algorithms_of(key: PublicKey) -> tuple[str, ...]:
    """Return the algorithms that a key may have signed by; none for a key that is of no use."""
    allowed: tuple[str, ...]
    if key.kty == "RSA":
        allowed = RSA_ALGORITHMS if len(key.n or "") >= SHORTEST_RSA else ()
    elif key.kty in {"EC", "OKP"} and key.crv in CURVES:
        is_edwards = key.crv == "Ed25519"
        allowed = (CURVES[key.crv],) if is_edwards == (key.kty == "OKP") else ()
    else:
        allowed = ()
    return allowed if key.alg is None else tuple(each for each in allowed if each == key.alg)
