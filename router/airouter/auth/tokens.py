"""Tokens (JWT, RFC 7519) in place of keys: of ServiceAccounts, and of other issuers.

Which keys and algorithms are good is decided by the configuration alone, never by a token (RFC
8725, section 3.1): its `kid` and `iss` only choose among what is declared. A token is checked once
and remembered by its SHA-256 until it ends, so that each later request costs one look-up.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import jwt
import msgspec

from airouter.auth.principal import Principal
from airouter.config.globs import matches_any
from airouter.config.jwks import algorithms_of
from airouter.config.snapshot.token_clients import JwtClients, ServiceAccountClients
from airouter.limits.clients import client_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jwt.algorithms import AllowedPublicKeys

    from airouter.config.snapshot import Auth, ClientKey
    from airouter.config.snapshot.token_clients import PublicKey, TokenIssuer

    Meet = Callable[[ClientKey, str], None]

logger = logging.getLogger("airouter.auth")

LONGEST = 16_384
"""Bytes of a token."""
MOST_SEEN = 8_192
"""Tokens that are remembered."""
LEEWAY = 10.0
"""Seconds by which the clock of an issuer may be off."""
ACCOUNT = re.compile(r"system:serviceaccount:([a-z0-9-]{1,63}):([a-z0-9.-]{1,253})")
"""The `sub` of a ServiceAccount's token, which is its name in Kubernetes, too."""
CLIENT = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,253}")
"""Half of a surrogate pair, which JSON can say, has no UTF-8: a ledger could not be told of it."""
KEY_TYPES: Mapping[str, type[jwt.algorithms.Algorithm]] = {
    "RSA": jwt.algorithms.RSAAlgorithm,
    "EC": jwt.algorithms.ECAlgorithm,
    "OKP": jwt.algorithms.OKPAlgorithm,
}


class VerifyingKey(NamedTuple):
    """A key of an issuer, ready to verify, and what it may have signed by."""

    key: AllowedPublicKeys
    algorithms: list[str]


class SeenToken(NamedTuple):
    """The owner of a token that was good, and the Unix time at which it ends."""

    principal: Principal
    expires_at: float


class TokenRule:
    """A rule of the configuration for tokens of one issuer."""

    def __init__(self, rule: ServiceAccountClients | JwtClients, issuer: TokenIssuer) -> None:
        self.rule = rule
        self.issuer = issuer.issuer
        self._keys = {each.kid: key for each in issuer.keys if (key := verifying_key(each))}

    def claims_of(self, token: bytes, kid: str) -> dict[str, Any]:
        """Return the claims of a token that meets this rule. Raises `jwt.InvalidTokenError`."""
        rule = self.rule
        found = self._keys.get(kid)
        if found is None:
            raise jwt.InvalidTokenError
        audiences = rule.audiences if isinstance(rule, JwtClients) else (rule.audience,)
        claims: dict[str, Any] = jwt.decode(
            token,
            found.key,
            algorithms=found.algorithms,
            audience=audiences,
            issuer=self.issuer,
            leeway=LEEWAY,
            options={"require": ["exp", "iss", "aud"]},
        )
        return claims

    def client_of(self, claims: Mapping[str, Any]) -> ClientKey | None:
        """Return the client whom claims that were verified name; None where it is not this rule's.

        No key of `auth.clients` and no RouterKey has such a name.
        """
        rule = self.rule
        if isinstance(rule, JwtClients):
            claim = claims.get(rule.client_claim)
            if not isinstance(claim, str) or not CLIENT.fullmatch(claim):
                return None
            name = f"jwt/{rule.name}/{claim}"
        else:
            account = ACCOUNT.fullmatch(str(claims.get("sub", "")))
            if account is None or account[1] not in rule.namespaces:
                return None
            if not matches_any(account[2], rule.names):
                return None
            name = account[0]
        return client_by(rule, name)


class Tokens:
    """Finds the owners of tokens."""

    def __init__(self, auth: Auth, clock: Callable[[], float], meet: Meet) -> None:
        """`meet` is told of the client of each token that was not seen yet, and of its rule."""
        self._clock = clock
        self._meet = meet
        self._seen: dict[bytes, SeenToken] = {}
        """By the SHA-256 of the token, the oldest first."""
        self._rules = [*rules_of(auth)]

    def owner(self, token: bytes, digest: bytes) -> Principal | None:
        """Return the owner of a token; None for one that is not good. `digest` is its SHA-256."""
        seen = self._seen.get(digest)
        if seen is not None:
            if self._clock() < seen.expires_at:
                return seen.principal
            del self._seen[digest]
        if not self._rules or len(token) > LONGEST or token.count(b".") != 2:
            return None
        return self._check(token, digest)

    def _check(self, token: bytes, digest: bytes) -> Principal | None:
        """Verify a token, and remember its owner."""
        try:
            unverified = jwt.decode_complete(token, options={"verify_signature": False})
        except (jwt.InvalidTokenError, RecursionError):
            return None
        kid = unverified["header"].get("kid")
        issuer = unverified["payload"].get("iss")
        for rule in self._rules:
            if rule.issuer != issuer or not isinstance(kid, str):
                continue
            try:
                claims = rule.claims_of(token, kid)
            except (jwt.InvalidTokenError, OverflowError):  # the latter of an exp without end
                continue
            client = rule.client_of(claims)
            if client is not None:
                return self._remember(digest, client, rule.rule, float(claims["exp"]) + LEEWAY)
        return None

    def _remember(
        self,
        digest: bytes,
        client: ClientKey,
        rule: ServiceAccountClients | JwtClients,
        expires_at: float,
    ) -> Principal:
        principal = Principal(client.name, client.models, client.tenant)
        self._meet(client, rule_name(rule))
        while len(self._seen) >= MOST_SEEN:
            del self._seen[next(iter(self._seen))]
        self._seen[digest] = SeenToken(principal, expires_at)
        return principal


def rule_name(rule: ServiceAccountClients | JwtClients) -> str:
    """Return the name of a rule, which those of the other kind may have, too."""
    kind = "jwt" if isinstance(rule, JwtClients) else "serviceAccounts"
    return f"{kind}/{rule.name}"


def rules_of(auth: Auth) -> Iterator[TokenRule]:
    """Yield the rules for tokens, in the order in which they count."""
    if auth.cluster is not None:
        for accounts in auth.service_accounts:
            yield TokenRule(accounts, auth.cluster)
    for clients in auth.jwt:
        yield TokenRule(clients, clients.issuer)


def verifying_key(declared: PublicKey) -> VerifyingKey | None:
    """Return a key, ready to verify; None for one that is none, which is logged."""
    algorithms = algorithms_of(declared)
    jwk = {name: value for name, value in msgspec.to_builtins(declared).items() if value}
    try:
        key: AllowedPublicKeys = KEY_TYPES[declared.kty].from_jwk(jwk)
    except (KeyError, ValueError, jwt.InvalidKeyError):
        logger.warning("a key of an issuer of tokens cannot be used and is left out")
        return None
    return VerifyingKey(key, list(algorithms))
