"""The cluster's identity: by which keys tokens of its ServiceAccounts are checked.

The API server shows them to every ServiceAccount (the ClusterRole
`system:service-account-issuer-discovery`). They are read anew while a RouterConfig has use for
them, as nobody tells when they change.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from airouter.config.compile.identities import ClusterIdentity
from airouter.config.compile.keys import KeyNamespace
from airouter.config.jwks import UnreadableJwks, public_keys
from airouter.config.snapshot.token_clients import TokenIssuer
from airouter_operator.kube.api import JWK_SET
from airouter_operator.kube.errors import KubeError
from airouter_operator.kube.paths import ISSUER_DISCOVERY, ISSUER_KEYS
from airouter_operator.watching.mirror import go_by_labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter_operator.kube.api import KubeApi
    from airouter_operator.kube.objects import ObjectKey
    from airouter_operator.reconciling.rechecks import Rechecks
    from airouter_operator.watching.mirror import Mirror

logger = logging.getLogger("airouter.operator")

HIDDEN = (403, 404)
"""Statuses by which the API server says that it shows no keys."""
EVERY = 60.0
"""Seconds between two readings: the API server takes new keys when it is started anew."""


class ClusterIdentities:
    """Reads the issuer of tokens and its keys, once for all RouterConfigs."""

    def __init__(
        self, kube: KubeApi, mirror: Mirror, rechecks: Rechecks, clock: Callable[[], float]
    ) -> None:
        """`clock` returns seconds."""
        self._kube = kube
        self._mirror = mirror
        self._rechecks = rechecks
        self._clock = clock
        self._issuer: TokenIssuer | None = None
        self._read_at: float | None = None

    async def refresh(self, config: ObjectKey) -> None:
        """Read the keys if a RouterConfig has use for them. Raises `KubeError` without any."""
        if not self._mirror.account_rules_of(config):
            return
        self._rechecks.within(config, EVERY)
        if self._read_at is not None and self._clock() < self._read_at + EVERY:
            return
        try:
            issuer = await self._read()
        except KubeError as error:
            if self._issuer is None:
                raise
            logger.warning("the keys of ServiceAccounts stay as they were: %s", error)
        else:
            self._issuer = issuer
            self._read_at = self._clock()

    def of(self, config: ObjectKey) -> ClusterIdentity:
        """Return what a RouterConfig has use for."""
        rules = self._mirror.account_rules_of(config)
        if not rules:
            return ClusterIdentity(None)
        namespaces = self._mirror.namespaces
        if not len(namespaces) or not go_by_labels(rules):
            return ClusterIdentity(self._issuer)
        found = [
            KeyNamespace(key.name, namespace_labels(namespaces.get(key))) for key in namespaces
        ]
        return ClusterIdentity(self._issuer, sorted(found, key=lambda each: each.name))

    async def _read(self) -> TokenIssuer | None:
        """Return the issuer; None where the API server does not show it. Raises `KubeError`."""
        try:
            issuer = (await self._kube.get(ISSUER_DISCOVERY)).get("issuer")
            found = await self._kube.get(ISSUER_KEYS, accept=JWK_SET)
            keys = public_keys(json.dumps(found))
        except UnreadableJwks as error:
            logger.warning("the set of keys of ServiceAccounts %s", error)
            return None
        except KubeError as error:
            if error.status not in HIDDEN:
                raise
            logger.warning("the keys of ServiceAccounts are not shown: %s", error)
            return None
        return TokenIssuer(issuer, keys) if isinstance(issuer, str) else None


def namespace_labels(namespace: Any) -> dict[str, str]:
    """Return the labels of a namespace."""
    return {} if namespace is None else namespace["metadata"].get("labels") or {}
