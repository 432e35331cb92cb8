"""The operator's own certificate authority, by which a pod knows that it polls the operator.

It is kept in a Secret of the operator's namespace. A successor is made well before an authority
ends, is trusted by every pod before it signs anything, and its predecessor is trusted until it has
ended. The stream's own certificate is signed anew more often, by whichever process serves it.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from airouter_operator.kube.errors import Conflict, KubeError
from airouter_operator.kube.objects import ObjectKey
from airouter_operator.kube.paths import secret_at, secrets_in
from airouter_operator.leading.certificates import (
    Authority,
    new_authority,
    serving_certificate,
    serving_end,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airouter_operator.kube.api import KubeApi
    from airouter_operator.kube.objects import Object

logger = logging.getLogger("airouter.operator")

FILE = "authorities.json"
NAME = "airouter-operator-ca"

RENEW_BEFORE = timedelta(days=120)
OVERLAP = timedelta(days=1)
"""How long a new authority is trusted before it signs: mounted Secrets take minutes to follow."""
SERVING_RENEW_BEFORE = timedelta(days=10)
REFRESH = 3600.0
TRIES = 5


class AuthorityKeeper:
    """Keeps the authorities in their Secret, and the stream's TLS context up to date."""

    def __init__(
        self,
        kube: KubeApi,
        namespace: str,
        names: Sequence[str],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Sign for `names`, by which pods know the stream's host."""
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._kube = kube
        self._key = ObjectKey(namespace, NAME)
        self._names = names
        self._clock = clock
        self._authorities: list[Authority] = []
        self._signer: Authority | None = None
        self._serves_until = datetime.min.replace(tzinfo=UTC)

    def bundle(self) -> str:
        """Return all certificates that pods are to trust, as PEM."""
        return "".join(authority.certificate for authority in self._authorities)

    async def run(self, changed: Callable[[], None]) -> None:
        """Refresh every hour, until cancelled; call `changed` when the bundle is another one."""
        while True:
            await asyncio.sleep(REFRESH)
            before = self.bundle()
            try:
                await self.refresh()
            except KubeError as error:
                logger.warning("the certificate authority cannot be looked after: %s", error)
            if self.bundle() != before:
                changed()

    async def refresh(self) -> None:
        """Read, renew and sign what is due. Raises `KubeError`."""
        for _ in range(TRIES):
            try:
                self._authorities = await self._renew()
                break
            except Conflict:
                logger.info("another replica renewed the certificate authority first")
        # In a thread, because elliptic curves and files take milliseconds that polls would wait.
        if self._authorities:
            await asyncio.to_thread(self._sign)

    async def _renew(self) -> list[Authority]:
        now = self._clock()
        parent = secrets_in(self._key.namespace)
        body = await self._kube.find(self._key, parent)
        if body is None:
            authorities = renewed([], now)
            await self._kube.create(parent, self._body(authorities, {}))
            return authorities
        known = authorities_in(body)
        authorities = renewed(known, now)
        if authorities != known:
            # By the version that was read, so that of two replicas one gets a conflict.
            metadata = {"resourceVersion": body["metadata"]["resourceVersion"]}
            await self._kube.apply(secret_at(self._key), self._body(authorities, metadata))
            logger.info("the certificate authority was renewed")
        return authorities

    def _body(self, authorities: Sequence[Authority], metadata: Object) -> Object:
        content = base64.b64encode(msgspec.json.encode(authorities)).decode()
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": self._key.name, "namespace": self._key.namespace, **metadata},
            "data": {FILE: content},
        }

    def _sign(self) -> None:
        """Sign the stream's certificate anew if it is due, for connections from now on."""
        now = self._clock()
        signer = signer_of(self._authorities, now)
        if signer == self._signer and self._serves_until - now > SERVING_RENEW_BEFORE:
            return
        certificate, key = serving_certificate(signer, self._names, now)
        with tempfile.TemporaryDirectory() as folder:  # OpenSSL reads keys from files only
            path = Path(folder, "serving.pem")
            path.touch(mode=0o600)
            path.write_text(key + certificate)
            self.tls.load_cert_chain(path)
        self._signer = signer
        self._serves_until = serving_end(signer, now)


def living(authorities: Sequence[Authority], now: datetime) -> list[Authority]:
    """Return the authorities that have not ended, oldest first."""
    return sorted((a for a in authorities if a.until > now), key=lambda a: a.since)


def renewed(authorities: Sequence[Authority], now: datetime) -> list[Authority]:
    """Return the authorities as they should be: those that live, with a successor in time."""
    alive = living(authorities, now)
    if not alive or alive[-1].until - now < RENEW_BEFORE:
        alive.append(new_authority(now))
    return alive


def signer_of(authorities: Sequence[Authority], now: datetime) -> Authority:
    """Return the newest authority that every pod has had the time to trust, or else the oldest."""
    trusted = [a for a in authorities if a.since + OVERLAP <= now]
    return trusted[-1] if trusted else authorities[0]


def authorities_in(secret: Object) -> list[Authority]:
    """Return the authorities of a Secret; none where it is not as the operator writes it."""
    try:
        content = base64.b64decode(secret["data"][FILE], validate=True)
        found = msgspec.json.decode(content, type=list[Authority])
    except (KeyError, TypeError, ValueError):
        found = []
    whole = [authority for authority in found if authority.is_whole]
    if not whole:
        logger.warning("Secret %s held no certificate authority, a new one is made", NAME)
    return whole
