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
        self,
        auth: Auth,
        clock: Callable[[], float] = time.time,
        meet: Meet = meet_nobody,
        former: Keyring | None = None,
    ) -> None:
        """Take the keys that end by the Unix time of `clock`; `meet` is for clients of tokens.

        What clients have in common with those of the `former` keyring is taken from there: there
        may be thousands, and few of them have changed.
        """
        self._clock = clock
        self._tokens = Tokens(auth, clock, meet)
        self._anonymous = Principal(ANONYMOUS, ("*",)) if auth.anonymous else None
        self._owners: dict[bytes, KeyOwner] = {}
        if auth.master_sha256 is not None:
            owner = owner_of_key(auth.master_sha256, Principal(MASTER, ("*",)))
            self._owners[owner.digest] = owner
        self.granted = {grant.name: grant.models for grant in auth.grants}
        self.clients: dict[str, tuple[ClientKey, tuple[KeyOwner, ...]]] = {}
        same_grants = former is not None and former.granted == self.granted
        known = former.clients if former is not None and same_grants else {}
        for client in auth.clients:
            found = known.get(client.name)
            if found is None or found[0] != client:
                found = client, self._owners_of(client)
            self.clients[client.name] = found
            for each in found[1]:
                self._owners.setdefault(each.digest, each)

    def authenticate(self, headers: Mapping[bytes, bytes]) -> Principal:
        """Return the owner of the key or token in `authorization`, `x-api-key` or `api-key`.

        Raises `Failure` 401. In anonymous mode a request without a key of ours is anonymous: SDKs
        send some key even where none is needed.
        """
        key = bearer_token(headers.get(b"authorization")) or headers.get(b"x-api-key")
        if key or (key := headers.get(b"api-key")):
            # The look-up compares hashes, so its timing tells nothing of a key.
            digest = sha256(key).digest()
            found = self._owners.get(digest)
            if found is not None and compare_digest(found[0], digest):
                expires_at = found[2]
                if expires_at is None or self._clock() < expires_at:
                    return found[1]
            elif (owner := self._tokens.owner(key, digest)) is not None:
                return owner
        if self._anonymous is not None:
            return self._anonymous
        raise wrong_key() if key else missing_key()

    def _owners_of(self, client: ClientKey) -> tuple[KeyOwner, ...]:
        """Return a client as the owner of its key, and of the one before."""
        # A grant that is not there grants nothing.
        models = ("*",) if client.grant is None else self.granted.get(client.grant, ())
        principal = client_principal(client, models)
        owner = owner_of_key(client.key_sha256, principal, client.expires_at)
        if client.former is None:
            return (owner,)
        ends = client.former.expires_at
        if client.expires_at is not None:
            ends = min(ends, client.expires_at)
        return owner, owner_of_key(client.former.key_sha256, principal, ends)


def owner_of_key(
    key_sha256: str, principal: Principal, expires_at: float | None = None
) -> KeyOwner:
    """Return the owner of a key."""
    return KeyOwner(bytes.fromhex(key_sha256), principal, expires_at)


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
