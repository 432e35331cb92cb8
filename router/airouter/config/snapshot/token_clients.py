"""Clients that show tokens in place of keys, as a snapshot has them, and the issuers of those."""

from __future__ import annotations

from airouter.config.budget import PeriodBudget
from airouter.config.snapshot.part import Limits, Part


class PublicKey(Part, frozen=True):
    """A key by which an issuer signs tokens: public members of a JWK (RFC 7517), and no others."""

    kid: str
    kty: str
    alg: str | None = None
    n: str | None = None
    e: str | None = None
    crv: str | None = None
    x: str | None = None
    y: str | None = None


class TokenIssuer(Part, frozen=True):
    """An issuer of tokens, as their `iss` names it."""

    issuer: str
    keys: tuple[PublicKey, ...] = ()


class ServiceAccountClients(Part, frozen=True):
    """ServiceAccounts that ask by tokens of the cluster, each with these limits and budgets."""

    name: str
    namespaces: tuple[str, ...]
    names: tuple[str, ...] = ("*",)
    """Patterns."""
    audience: str = "airouter"
    models: tuple[str, ...] = ("*",)
    limits: Limits = Limits()
    groups: tuple[str, ...] = ()
    budgets: tuple[PeriodBudget, ...] = ()


class JwtClients(Part, frozen=True):
    """Holders of tokens of an issuer, each with these limits and budgets."""

    name: str
    issuer: TokenIssuer
    audiences: tuple[str, ...]
    client_claim: str = "sub"
    models: tuple[str, ...] = ("*",)
    limits: Limits = Limits()
    groups: tuple[str, ...] = ()
    budgets: tuple[PeriodBudget, ...] = ()
