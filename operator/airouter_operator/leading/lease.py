"""Leadership: the replica that holds a Lease of the coordination API.

Two operators at once would report different pods and overwrite one another's status. A leader that
cannot reach the API server goes on leading: it cannot write anything, and its pods stay connected.
It stops when it reads that another one leads. What two must never do at once, as to grant what a
limit allows, it does only while it `is_sure` that no other one may lead yet.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from airouter_operator.kube.client import TIMEOUT
from airouter_operator.kube.errors import Conflict, KubeError, NotFound, TimedOut
from airouter_operator.kube.objects import ObjectKey
from airouter_operator.kube.paths import lease_at, leases_in

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from airouter_operator.kube.api import KubeApi
    from airouter_operator.kube.client import KubeClient
    from airouter_operator.kube.objects import Object

logger = logging.getLogger("airouter.operator")

NAME = "airouter-operator"
RENEWALS = 4
"""In the time after which another replica takes over."""
LOOKS = 8
"""Of one that stands by, in the same time, so that it knows soon when the leader renewed last."""
FRESH = 1 / RENEWALS + 1 / LOOKS
"""Of that time: the age that a renewal may have, as it is seen by one that stands by."""
SHORTEST = 0.01
"""Seconds between two looks."""
DEAF = 2 / LOOKS
"""Of that time: without an answer for longer, the leader may have had none either."""


class LeaseClients(NamedTuple):
    """Clients of one API server, for the Lease alone."""

    quick: KubeClient
    patient: KubeClient

    async def close(self) -> None:
        """Let go of their connections."""
        await self.quick.close()
        await self.patient.close()


def clients_of_lease(kube: KubeClient, duration: float) -> LeaseClients:
    """Return the clients of `Leadership`, for a Lease of so many seconds.

    Both have connections of their own. Where one of the quick client died unnoticed, those of
    `kube`, which all else uses, have died as well, and a wait for one outlasts the Lease.
    """
    return LeaseClients(kube.with_timeout(duration / RENEWALS), kube.with_timeout(TIMEOUT))


class Leadership:
    """Acquires a Lease, renews it, and says when it was won or lost."""

    def __init__(
        self,
        lease_client: KubeApi,
        client: KubeApi,
        namespace: str,
        identity: str,
        duration: float,
        turned: Callable[[bool], None],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] | None = None,
    ) -> None:
        """Call `turned` with whether this replica leads now; `duration` is seconds.

        Both clients ask the same API server. `lease_client` gives up within a part of the duration,
        since a connection may have died unnoticed; `client` waits for a server that is slow.
        """
        self.leading = False
        self._lease_client = lease_client
        self._client = client
        self._key = ObjectKey(namespace, NAME)
        self._identity = identity
        self._duration = duration
        self._turned = turned
        self._sleep = sleep
        self._clock = clock
        self._monotonic = monotonic or asyncio.get_running_loop().time
        self._seen: tuple[str, str] = ("", "")
        """The other holder and the time of its renewal, as they were read last."""
        self._seen_at = -math.inf
        self._answered_at = -math.inf
        """When the Lease could be read last."""
        self._patient_until = -math.inf
        """Until when the holder gets to renew what nobody could renew before."""
        self._expires_at = math.inf
        """When another holder's Lease can be taken, as it was read last."""
        self._sure_until = 0.0

    def is_sure(self) -> bool:
        """Return whether this replica leads, and no other may have taken over by now."""
        return self.leading and self._monotonic() < self._sure_until

    def another_leads(self) -> bool:
        """Return whether another replica was seen to lead, not just to have led."""
        return not self.leading and self._monotonic() < self._seen_at + self._duration * FRESH

    async def run(self) -> None:
        """Try to lead, until cancelled."""
        while True:
            await self.attempt()
            await self._sleep(self._until_next())

    def _until_next(self) -> float:
        """Return the seconds until the next attempt."""
        if self.leading:
            return self._duration / RENEWALS
        expires = self._expires_at - self._monotonic()
        return min(self._duration / LOOKS, max(SHORTEST, expires))

    async def attempt(self) -> None:
        """Acquire or renew the Lease once."""
        try:
            try:
                leading = await self._acquire(self._lease_client)
            except TimedOut:
                leading = await self._acquire(self._client)
        except Conflict:
            return  # another replica was faster: the next attempt reads what it wrote
        except KubeError as error:
            logger.warning("the lease cannot be renewed: %s", error)
            self._expires_at = math.inf  # it cannot be taken, whenever that would be
            return
        if leading != self.leading:
            logger.info("this replica %s", "leads" if leading else "stands by")
            self.leading = leading
            self._turned(leading)

    async def release(self) -> None:
        """Let another replica take over at once."""
        if not self.leading:
            return
        self.leading = False
        try:
            body = await self._lease_client.get(lease_at(self._key))
            if (body.get("spec") or {}).get("holderIdentity") == self._identity:
                await self._lease_client.replace(lease_at(self._key), self._held(body, identity=""))
        except KubeError as error:
            logger.warning("the lease cannot be released: %s", error)

    async def _acquire(self, kube: KubeApi) -> bool:
        """Take or renew the Lease if it is free, and return whether this replica holds it."""
        try:
            body = await kube.get(lease_at(self._key))
        except NotFound:
            body = {"metadata": {"name": self._key.name, "namespace": self._key.namespace}}
            renewed_at = self._monotonic()
            await kube.create(leases_in(self._key.namespace), self._held(body))
            self._sure_until = renewed_at + self._duration
            return True
        if not self._is_free(body.get("spec") or {}):
            return False
        # The body carries the resourceVersion that was read: of two candidates one gets a conflict.
        renewed_at = self._monotonic()
        await kube.replace(lease_at(self._key), self._held(body))
        # Another replica waits for so long after it has seen this, which was no earlier.
        self._sure_until = renewed_at + self._duration
        return True

    def _is_free(self, spec: Object) -> bool:
        """Return whether no other replica holds the Lease, or has let it expire."""
        holder, now = spec.get("holderIdentity") or "", self._monotonic()
        was_deaf = now - self._answered_at > self._duration * DEAF
        self._answered_at, self._expires_at = now, math.inf
        if holder in {"", self._identity}:
            return True
        # The clocks of two nodes may differ, so the holder's time is compared with itself only:
        # the Lease expires when it has not changed for that long by this replica's own clock.
        seen = (holder, str(spec.get("renewTime")))
        if seen != self._seen:
            self._seen, self._seen_at, self._patient_until = seen, now, -math.inf
        expires = self._seen_at + float(spec.get("leaseDurationSeconds") or self._duration)
        # An API server that was away or slow, or a node that stood still, has kept the holder from
        # renewing as well: it lives, and is about to. Once: to one that is always slow all is late.
        patience = now + self._duration * FRESH
        if was_deaf and self._patient_until < expires < patience:
            self._patient_until = patience
        self._expires_at = max(expires, self._patient_until)
        return now >= self._expires_at

    def _held(self, body: Object, identity: str | None = None) -> Object:
        """Return the Lease as renewed by this replica, or by a given identity."""
        holder = self._identity if identity is None else identity
        spec = dict(body.get("spec") or {})
        now = self._clock().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if spec.get("holderIdentity") != holder:
            spec["acquireTime"] = now
            spec["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + 1
        spec |= {
            "holderIdentity": holder,
            "renewTime": now,
            "leaseDurationSeconds": math.ceil(self._duration),
        }
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": body["metadata"],
            "spec": spec,
        }


def identity_of(pod_uid: str) -> str:
    """Return the name of this process in the Lease and in Events.

    A container that is restarted in its pod has the name of the one before, which has ended, so
    that it does not wait for its own Lease. Outside of a pod each process has a name of its own.
    """
    return f"{socket.gethostname()}_{pod_uid or secrets.token_hex(4)}"
