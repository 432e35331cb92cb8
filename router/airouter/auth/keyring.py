"""The keys of one snapshot, by their SHA-256; tokens in place of keys are in `tokens.py`.

A key is hashed before it is looked up, so the time of the look-up says nothing of the key, and the
digests are compared in constant time.
"""

from __future__ import annotations

import time
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, NamedTuple

from airouter.auth.principal import MASTER, Principal
from airouter.auth.tokens import Tokens
from airouter.failures import missing_key, repeated_key, wrong_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airouter.auth.tokens import Meet
    from airouter.config.snapshot import Auth, ClientKey
    from airouter.interfaces import Headers

ANONYMOUS = "anonymous"


KEY_HEADERS = (b"authorization", b"x-api-key", b"api-key")
"""OpenAI's, Anthropic's, Azure's."""


class KeyOwner(NamedTuple):
    """The owner of a key, and the Unix time at which the key ends, if it does."""

    digest: bytes
    principal: Principal
    expires_at: float | None


def meet_nobody(client: ClientKey, rule: str) -> None:
    """Take no note of a client that showed a token."""


class Keyring:
    """Finds the principal of a request."""

    def __init__(
        self, auth: Auth, clock: Callable[[], float] = time.time, meet: Meet = meet_nobody
    ) -> None:
        """Take the keys that end by the Unix time of `clock`; `meet` is for clients of tokens."""
        self._clock = clock
        self._tokens = Tokens(auth, clock, meet)
        self._anonymous = Principal(ANONYMOUS, ("*",)) if auth.anonymous else None
        self._owners: dict[bytes, KeyOwner] = {}
        """Those who have asked."""
        if auth.master_sha256 is not None:
            digest = bytes.fromhex(auth.master_sha256)
            self._owners[digest] = KeyOwner(digest, Principal(MASTER, ("*",)), None)
        self._principals: dict[str, Principal] = {}
        self._granted = {grant.name: grant.models for grant in auth.grants}
        self._clients: dict[bytes, ClientKey] = {}
        for client in auth.clients:
            self._clients.setdefault(bytes.fromhex(client.key_sha256), client)
            if client.former is not None:
                self._clients.setdefault(bytes.fromhex(client.former.key_sha256), client)

    def authenticate(self, headers: Mapping[bytes, bytes]) -> Principal:
        """Return the owner of the key or token in `authorization`, `x-api-key` or `api-key`.

        Raises `Failure` 401. In anonymous mode a request without a key of ours is anonymous: SDKs
        send some key even where none is needed.
        """
        key = bearer_token(headers.get(b"authorization")) or headers.get(b"x-api-key")
        if key or (key := headers.get(b"api-key")):
            # The look-up compares hashes, so its timing tells nothing of a key.
            digest = sha256(key).digest()
            found = self._owners.get(digest) or self._owner(digest)
            if found is not None and compare_digest(found[0], digest):
                expires_at = found[2]
                if expires_at is None or self._clock() < expires_at:
                    return found[1]
            elif (owner := self._tokens.owner(key, digest)) is not None:
                return owner
        if self._anonymous is not None:
            return self._anonymous
        raise wrong_key() if key else missing_key()

    def _owner(self, digest: bytes) -> KeyOwner | None:
        """Return the client of a key that asks for the first time; None where it is nobody's."""
        client = self._clients.get(digest)
        if client is None:
            return None
        # A grant that is not there grants nothing.
        models = ("*",) if client.grant is None else self._granted.get(client.grant, ())
        ends, former = client.expires_at, client.former
        if former is not None and digest != bytes.fromhex(client.key_sha256):
            ends = former.expires_at if ends is None else min(former.expires_at, ends)
        principal = client_principal(client, models)
        principal = self._principals.setdefault(client.tenant, principal)  # of both of its keys
        owner = self._owners[digest] = KeyOwner(digest, principal, ends)
        return owner


def client_principal(client: ClientKey, granted: tuple[str, ...] = ("*",)) -> Principal:
    """Return the principal of a client, which may have the name of a built-in one."""
    return Principal(client.name, client.models, client.tenant, granted)


def single_headers(headers: Headers) -> dict[bytes, bytes]:
    """Return headers by their lower-case names, of others that stand twice the last value.

    Raises `Failure` 400 where a key stands twice: a proxy may have judged by the other one.
    """
    seen = [name for name, _ in headers if name in KEY_HEADERS]
    if len(seen) > len(set(seen)):
        raise repeated_key()
    return dict(headers)


def bearer_token(authorization: bytes | None) -> bytes | None:
    """Return the token of a Bearer header (RFC 6750), or None."""
    if authorization is None or authorization[:7].lower() != b"bearer ":
        return None
    return authorization[7:].strip() or None
