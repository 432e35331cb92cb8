"""The state that serves a snapshot, built once, so that a request builds nothing.

`app.py` builds a `ServingState` for each snapshot and hands it to the pipeline; a request pins the
one it started with. Pools and load counters outlive it: they belong to the process.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airouter.auth.keyring import Keyring, meet_nobody
from airouter.interfaces import UpstreamError
from airouter.routing.catalog import Load
from airouter.serving.account import Account, open_account
from airouter.serving.routes import catalogs_for, no_limits
from airouter.upstream.pools import Pooled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.auth.tokens import Meet
    from airouter.config.snapshot import Snapshot
    from airouter.providers.base import Provider
    from airouter.providers.binding import Api
    from airouter.providers.identity import Identities
    from airouter.providers.identity.base import Signer
    from airouter.routing.catalog import Catalog
    from airouter.serving.routes import LimitsOf
    from airouter.serving.target import Target
    from airouter.upstream.pools import Pools

logger = logging.getLogger("airouter.serving")

NO_ACCOUNTS: Mapping[str, Account] = {}


@dataclass(frozen=True)
class ServingState:
    """A snapshot, ready to serve."""

    snapshot: Snapshot
    accounts: dict[str, Account]
    keyring: Keyring
    catalogs: dict[Api, Catalog[Target]]
    """API to the models, each with those backends that offer it."""
    pools: list[Pooled]
    signers: list[Signer]
    unusable: dict[str, str]
    """Credentials that cannot be called from here, and why; the others are served."""


def build(
    snapshot: Snapshot,
    providers: Mapping[str, Provider],
    pools: Pools,
    identities: Identities,
    loads: Mapping[str, Load],
    limits_of: LimitsOf = no_limits,
    meet: Meet = meet_nobody,
    former: Mapping[str, Account] = NO_ACCOUNTS,
) -> ServingState:
    """Build the state that serves a snapshot, with the known `loads` of its credentials.

    Accounts of the `former` state go on where nothing of their credential has changed.

    `limits_of` gives the limits of a credential's name and an upstream's name of a model; `meet` is
    told of each client that shows a token.

    New pools and signers are left in `pools` and `identities` when it raises: `keep_only` those of
    the state that serves.
    """
    accounts: dict[str, Account] = {}
    unusable: dict[str, str] = {}
    for credential in snapshot.credentials:
        account = former.get(credential.name)
        # What balances over pods follows their addresses anew: another build may have failed.
        if account is not None and account.credential == credential and account.balancer is None:
            accounts[credential.name] = account
            continue
        try:
            load = loads.get(credential.name) or Load()
            account = open_account(credential, providers, pools, identities, load)
        except (ValueError, OSError, UpstreamError) as error:
            unusable[credential.name] = str(error)
            logger.warning("credential %s is left out: %s", credential.name, error)
        else:
            accounts[credential.name] = account
    return ServingState(
        snapshot,
        accounts,
        Keyring(snapshot.auth, meet=meet),
        catalogs_for(snapshot, accounts, limits_of),
        [a.upstream for a in accounts.values() if isinstance(a.upstream, Pooled)],
        [a.signer for a in accounts.values() if a.signer is not None],
        unusable,
    )
