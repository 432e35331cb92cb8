"""The clients that limits and budgets are for: declared ones, and those that showed a token.

Nobody declares the latter. A process knows those that it has met, by the rule that lets them in: a
reload gives them what that rule says then.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Self

from airouter.config.snapshot import ClientKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airouter.config.snapshot import Auth
    from airouter.config.snapshot.token_clients import JwtClients, ServiceAccountClients

    TokenClients = JwtClients | ServiceAccountClients

MOST_MET = 16_384
"""Clients of tokens that are known: more than tokens that `auth/tokens.py` remembers."""
FORGOTTEN_AT_ONCE = 1_024


class Clients:
    """The clients of a process, by the tenant of each."""

    def __init__(self) -> None:
        self._declared: dict[str, ClientKey] = {}
        self._rules: dict[str, TokenClients] = {}
        self._met: dict[str, tuple[ClientKey, str]] = {}
        """Clients that showed a token and the names of their rules, those met last at the end."""

    @classmethod
    def of(cls, auth: Auth) -> Self:
        """Return those of a snapshot, of which none was met yet."""
        clients = cls()
        clients.reload(auth)
        return clients

    def reload(self, auth: Auth) -> None:
        """Follow a snapshot, and forget clients whose rule is no more."""
        self._declared = {client.tenant: client for client in auth.clients}
        self._rules = {f"serviceAccounts/{each.name}": each for each in auth.service_accounts}
        self._rules |= {f"jwt/{each.name}": each for each in auth.jwt}
        self._met = {key: each for key, each in self._met.items() if each[1] in self._rules}

    @property
    def have_budgets(self) -> bool:
        """True where one of them has a budget, or may have one once it shows its token."""
        rules = any(rule.budgets for rule in self._rules.values())
        return rules or any(client.budgets for client in self._declared.values())

    def find(self, tenant: str) -> ClientKey | None:
        """Return a client; None where there is none."""
        declared = self._declared.get(tenant)
        if declared is not None or tenant not in self._met:
            return declared
        client, name = self._met[tenant]
        rule = self._rules.get(name)
        return client if rule is None else client_by(rule, client.name)

    def meet(self, client: ClientKey, rule: str) -> Sequence[str]:
        """Take in a client that showed a token, and the name of the rule by which it is known.

        Returns the tenants that are forgotten for it: their tokens are forgotten, too.
        """
        self._met.pop(client.tenant, None)
        self._met[client.tenant] = client, rule
        if len(self._met) <= MOST_MET:
            return ()
        forgotten = list(islice(self._met, FORGOTTEN_AT_ONCE))
        for tenant in forgotten:
            del self._met[tenant]
        return forgotten

    def __iter__(self) -> Iterator[ClientKey]:
        """Iterate over all that are known now, the declared ones first."""
        yield from self._declared.values()
        for tenant in list(self._met):
            client = self.find(tenant)
            if client is not None:
                yield client


def client_by(rule: TokenClients, name: str) -> ClientKey:
    """Return the client of a name that a rule for tokens lets in."""
    return ClientKey(name, "", rule.models, rule.limits, groups=rule.groups, budgets=rule.budgets)
