"""The reconciler of RouterKeys: brings one to where it should be, as often as anybody likes.

The key itself is made and replaced by one write of its Secret. Whatever follows (the snapshot, the
annotation that asked for it, the status) is found to be missing by whoever looks next.
"""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from airouter.config.findings import KeyRefusal
from airouter_operator.delivering.counted_reports import counted_in
from airouter_operator.issuing.budget_events import BudgetEvents
from airouter_operator.issuing.key_spending import (
    KeyBudgets,
    KeySpending,
    budgets_of,
    key_spending,
)
from airouter_operator.issuing.key_status import (
    KeyState,
    invalid_key_status,
    is_on_its_way,
    key_status,
)
from airouter_operator.issuing.rotation import REQUESTS, key_due, next_turn
from airouter_operator.key_secret import ROTATE_ANNOTATION, router_of_key, secret_of_key
from airouter_operator.kube.errors import Conflict, NotFound
from airouter_operator.kube.objects import annotation_in, generation_of, is_ending, uid_of
from airouter_operator.kube.paths import router_key_at, router_key_status_at, router_keys_in
from airouter_operator.reconciling.issued_keys import problems_of_key, read_key_spec
from airouter_operator.reconciling.status_writer import status_manifest
from airouter_operator.retry import RetryLater
from airouter_operator.watching.kinds import ROUTER_KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airouter.config.resource import KeyGrant
    from airouter.config.resource.routerkey import RouterKeySpec
    from airouter_operator.delivering.key_uses import KeyUses, NewUse
    from airouter_operator.issuing.grants import Grants
    from airouter_operator.issuing.issuer import Issued, KeyIssuer
    from airouter_operator.issuing.served import KeysServed
    from airouter_operator.kube.api import KubeApi
    from airouter_operator.kube.objects import Object, ObjectKey
    from airouter_operator.reconciling.events import EventRecorder
    from airouter_operator.reconciling.rechecks import Rechecks
    from airouter_operator.reconciling.secret_reader import SecretReader
    from airouter_operator.watching.mirror import Mirror

logger = logging.getLogger("airouter.operator")

ENDING = 3.0
"""Seconds for all of what is written when the operator ends."""
AT_ONCE = 16
SETTLING = 1.0
"""Seconds for which a status waits that pods are about to change: most take a key at once."""
LONGEST_WAIT = 3600.0
"""Seconds after which a key is looked at again, since the clock of a machine may be set."""


class KeyReconciler:
    """Reconciles RouterKeys by their key."""

    def __init__(
        self,
        kube: KubeApi,
        mirror: Mirror,
        secrets: SecretReader,
        grants: Grants,
        issuer: KeyIssuer,
        served: KeysServed,
        uses: KeyUses,
        events: EventRecorder,
        rechecks: Rechecks,
        add_config: Callable[[ObjectKey], None],
        is_anothers: Callable[[ObjectKey, Object], bool],
        leads: Callable[[], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Reconcile while this replica `leads`, at the time of `clock` (Unix seconds).

        `add_config` has a RouterConfig reconciled. `is_anothers` tells by a RouterConfig and a
        RouterKey for it whether another operator reconciles the key.
        """
        self._kube = kube
        self._mirror = mirror
        self._secrets = secrets
        self._grants = grants
        self._issuer = issuer
        self._served = served
        self._uses = uses
        self._events = events
        self._budget_events = BudgetEvents(events, clock)
        self._rechecks = rechecks
        self._add_config = add_config
        self._is_anothers = is_anothers
        self._leads = leads
        self._clock = clock
        self._settling: dict[ObjectKey, float] = {}
        """Keys that pods are taking, and the Unix times from which on their status says so."""

    async def end(self) -> None:
        """Write what is new of the use of keys, which nobody else knows, while there is time."""
        keys = self._uses.end()
        try:
            async with asyncio.timeout(ENDING):
                await self._write_all(keys)
                await self._write_all(self._uses.end())  # what came while a write was in doubt
        except TimeoutError:
            logger.warning("the last use of some of %d keys is not in their status", len(keys))

    async def _write_all(self, keys: Sequence[ObjectKey]) -> None:
        for at in range(0, len(keys), AT_ONCE):
            some = map(self.reconcile, keys[at : at + AT_ONCE])
            await asyncio.gather(*some, return_exceptions=True)

    async def reconcile(self, key: ObjectKey) -> None:
        """Reconcile one RouterKey. Raises `RetryLater` or `KubeError` to be called again."""
        if not self._leads():
            return
        await self._secrets.refresh_key(key)
        body = self._mirror.keys.get(key)
        if body is None or is_ending(body):
            # Kubernetes collects its Secret, and its RouterConfig is reconciled without it.
            self._settling.pop(key, None)
            self._rechecks.forget(key)
            self._uses.forget(key)
            return
        if self._is_anothers(router_of_key(key, body["spec"]), body):
            self._uses.forget(key)
            return
        spec = read_key_spec(body)
        try:
            if spec is None:
                await self._write_invalid(key, body)
            else:
                await self._reconcile(key, body, spec)
        except Conflict:
            raise RetryLater("somebody else wrote first") from None
        except NotFound:
            return  # the RouterKey or its namespace was deleted meanwhile

    async def _reconcile(self, key: ObjectKey, body: Object, spec: RouterKeySpec) -> None:
        now = self._clock()
        request = annotation_in(body, ROTATE_ANNOTATION)
        ended = spec.expires_at is not None and spec.expires_at <= now
        admitted = None if ended else await self._grants.ask(key, spec)
        issued = await self._issue(key, body, spec, admitted, now)
        router = router_of_key(key, body["spec"])
        self._publish(key, router, issued, admitted)
        if issued.content is not None and request in REQUESTS:
            body = await self._withdraw_request(key, body, issued)
        secret = secret_of_key(key, body["spec"])
        served = self._served.of(router)
        vain = await self._vain_wishes(key, spec, admitted)
        state = KeyState(str(key), secret.name, spec, admitted, issued, served, request, vain)
        await self._tell(key, body, state, now)
        if issued.condition.reason == "WriteRefused":  # nobody reports that a right was given
            raise RetryLater(issued.condition.message)

    async def _vain_wishes(
        self, key: ObjectKey, spec: RouterKeySpec, admitted: KeyGrant | KeyRefusal | None
    ) -> str:
        if admitted is None or isinstance(admitted, KeyRefusal):
            return ""
        return await self._grants.vain_wishes(key, spec, admitted)

    async def _tell(self, key: ObjectKey, body: Object, state: KeyState, now: float) -> None:
        """Write the status, with what was spent; what cannot be written is told later."""
        generation = generation_of(body)  # that of the spec that the state is about
        if self._uses.is_in_doubt(key):
            body = await self._read_anew(key, body)
        before = body.get("status") or {}
        use = self._uses.begin(key, counted_in(before))
        state = state._replace(spending=spending_of(state, body, use, now))
        self._recheck(key, state, now)
        status = key_status(state, generation, before, now)
        if use is None and self._is_settling(key, status, before, now):
            self._rechecks.within(key, SETTLING)
            return
        is_news = await self._write_status(key, body, status, adds=use is not None)
        if use is not None:
            self._uses.done(key)
        if is_news:
            await self._write_events(key, body, status)

    def _is_settling(
        self, key: ObjectKey, status: Object, before: Mapping[str, Any], now: float
    ) -> bool:
        """Return whether a status is about to be another one, as pods are taking the key.

        Not for long: a key that takes its time is told of as it is.
        """
        if is_on_its_way(status) and not is_on_its_way(before):
            until = self._settling.setdefault(key, now + SETTLING)
            if until - SETTLING <= now < until:
                return True
        self._settling.pop(key, None)
        return False

    async def _read_anew(self, key: ObjectKey, body: Object) -> Object:
        """Return a RouterKey as the API server has it. Raises `NotFound` where it is gone."""
        found = await self._kube.find(key, router_keys_in(key.namespace))
        if found is None or uid_of(found) != uid_of(body):
            raise NotFound("the RouterKey was deleted")
        self._mirror.put(ROUTER_KEYS, key, found)
        return found

    async def _write_invalid(self, key: ObjectKey, body: Object) -> None:
        """Tell what is wrong with a RouterKey, of which nothing can be made."""
        before = body.get("status") or {}
        problems = problems_of_key(body)
        status = invalid_key_status(problems, generation_of(body), before, self._clock())
        if await self._write_status(key, body, status):
            await self._write_events(key, body, status)

    async def _issue(
        self,
        key: ObjectKey,
        body: Object,
        spec: RouterKeySpec,
        admitted: KeyGrant | KeyRefusal | None,
        now: float,
    ) -> Issued:
        """Return the Secret of a key that is admitted as it should be, of others as it is."""
        if admitted is None or isinstance(admitted, KeyRefusal):
            return self._issuer.found(key, body)
        request = annotation_in(body, ROTATE_ANNOTATION)
        base_url = await self._grants.base_url(router_of_key(key, body["spec"]))
        due = partial(key_due, spec=spec, request=request, base_url=base_url, now=now)
        return await self._issuer.issue(key, body, due)

    def _publish(
        self,
        key: ObjectKey,
        router: ObjectKey,
        issued: Issued,
        admitted: KeyGrant | KeyRefusal | None,
    ) -> None:
        """Have the RouterConfig reconciled unless pods get just what they should."""
        good = admitted is not None and not isinstance(admitted, KeyRefusal)
        wanted = issued.content.key_sha256 if good and issued.content is not None else None
        served = self._served.of(router)
        found = None if served is None else served.published.get(str(key))
        if found != wanted:
            self._add_config(router)

    async def _withdraw_request(self, key: ObjectKey, body: Object, issued: Issued) -> Object:
        """Take a request back that was acted on, so that it can be made again."""
        if issued.content is None or issued.content.record.request not in REQUESTS:
            return body
        metadata = body["metadata"]
        # With its version, a request that was made meanwhile stays.
        patch = {
            "metadata": {
                "annotations": {ROTATE_ANNOTATION: None},
                "resourceVersion": metadata["resourceVersion"],
            }
        }
        written = await self._kube.merge(router_key_at(key), patch)
        self._mirror.put(ROUTER_KEYS, key, written)
        return written

    def _recheck(self, key: ObjectKey, state: KeyState, now: float) -> None:
        """Have the key looked at when it is to be replaced, or ends, or its budget begins anew."""
        turn = state.spec.expires_at
        if state.issued.content is not None:
            turn = next_turn(state.issued.content.record, state.spec, now)
        turns = [each for each in (turn, state.spending.changes_at) if each is not None]
        if turns and (first := min(turns)) > now:
            self._rechecks.within(key, min(first - now, LONGEST_WAIT))

    async def _write_status(
        self, key: ObjectKey, body: Object, status: Object, *, adds: bool = False
    ) -> bool:
        """Write the status, unless it is there; return whether it is news.

        One that `adds` to the status before is written only if that is there still.
        """
        if status == (body.get("status") or {}):
            return False
        manifest = status_manifest(body, status)
        if adds:
            manifest["metadata"]["resourceVersion"] = body["metadata"]["resourceVersion"]
        written = await self._kube.apply(router_key_status_at(key), manifest)
        self._mirror.put(ROUTER_KEYS, key, written)
        return True

    async def _write_events(self, key: ObjectKey, body: Object, status: Object) -> None:
        """Write Events for the conditions that have turned by a status."""
        before = body.get("status") or {}
        await self._events.record(body, before, status)
        await self._budget_events.record(key, body, before, status)


def spending_of(state: KeyState, body: Object, use: NewUse | None, now: float) -> KeySpending:
    """Return what a key has spent; without a grant no budget binds it."""
    grant = state.admitted
    budgets = KeyBudgets(())
    if grant is not None and not isinstance(grant, KeyRefusal):
        budgets = budgets_of(state.spec, grant)
    created = str(body["metadata"].get("creationTimestamp", ""))
    return key_spending(budgets, body.get("status") or {}, use, created, now)
