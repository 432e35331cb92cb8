"""The keys that pods serve, by what the reconciliations of RouterConfigs came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from airouter_operator.kube.objects import ObjectKey, generation_of, uid_of
from airouter_operator.reconciling.conditions import Condition

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from airouter.config.findings import KeyRefusal
    from airouter_operator.kube.objects import Object
    from airouter_operator.reconciling.conditions import Reason, Truth
    from airouter_operator.reconciling.outcome import ReconcileOutcome

PROGRAMMED = Condition("Programmed", "True", "Programmed", "every pod of the router takes the key")


class RouterKeysServed(NamedTuple):
    """The keys of one RouterConfig."""

    spec: tuple[str, int]
    """uid and generation of the RouterConfig."""
    published: Mapping[str, str]
    """The SHA-256 of each key that pods get, by `namespace/name`."""
    live: Mapping[str, str]
    """The same of those that every pod has confirmed."""
    refused: Mapping[str, KeyRefusal]
    programmed: tuple[Truth, Reason]
    """Status and reason of `Programmed` of the RouterConfig."""

    def of(self, name: str) -> tuple[object, ...]:
        """Return all that concerns one key."""
        sha = self.published.get(name)
        is_live = sha is not None and self.live.get(name) == sha
        return sha, self.refused.get(name), is_live or self.programmed

    def condition(self, name: str, key_sha256: str) -> Condition:
        """Return `Programmed` of a key."""
        if refusal := self.refused.get(name):
            return Condition("Programmed", "False", *refusal)
        if self.published.get(name) != key_sha256:
            message = "the key is about to be published"
            return Condition("Programmed", "False", "Pending", message)
        if self.live.get(name) == key_sha256:
            return PROGRAMMED
        status, reason = self.programmed
        if status == "Unknown":
            message = "the key is published, and no pod is connected that could take it"
            return Condition("Programmed", "Unknown", reason, message)
        message = "the key is published, and not every pod of the router has taken it yet"
        return Condition("Programmed", "False", reason, message)


class KeysServed:
    """The keys of all RouterConfigs."""

    def __init__(
        self,
        keys_of: Callable[[ObjectKey], Collection[ObjectKey]],
        add: Callable[[ObjectKey], None],
    ) -> None:
        """Call `add` with each RouterKey of which there is news; `keys_of` a RouterConfig."""
        self._keys_of = keys_of
        self._add = add
        self._served: dict[ObjectKey, RouterKeysServed] = {}

    def of(self, config: ObjectKey) -> RouterKeysServed | None:
        """Return the keys of a RouterConfig; None before it has been reconciled."""
        return self._served.get(config)

    def update(
        self, config: ObjectKey, body: Object, outcome: ReconcileOutcome, status: Object
    ) -> None:
        """Take in what a reconciliation came to, and the status of the RouterConfig."""
        if outcome.unpublished:  # pods get what they got before
            return
        before = self._served.get(config)
        now = served_keys_of(body, outcome, status, before)
        self._served[config] = now
        for key in self._keys_of(config):
            name = str(key)
            if before is None or before.spec != now.spec or before.of(name) != now.of(name):
                self._add(key)

    def forget(self, config: ObjectKey) -> None:
        """Forget a RouterConfig that is gone: none of its keys is served."""
        if self._served.pop(config, None) is not None:
            for key in self._keys_of(config):
                self._add(key)

    def forget_all(self) -> None:
        """Forget everything: another replica leads, or led."""
        self._served.clear()


def served_keys_of(
    body: Object, outcome: ReconcileOutcome, status: Object, before: RouterKeysServed | None
) -> RouterKeysServed:
    """Return the keys that a RouterConfig's pods serve; a key that they have stays confirmed."""
    programmed = next(
        (c["status"], c["reason"]) for c in status["conditions"] if c["type"] == "Programmed"
    )
    published = outcome.keys
    if programmed[0] == "True" or programmed[1] == "LastGoodKept":
        live = published
    else:
        was = before.live if before is not None else {}
        live = {name: sha for name, sha in published.items() if was.get(name) == sha}
    spec = (uid_of(body), generation_of(body))
    return RouterKeysServed(spec, published, live, outcome.refused_keys, programmed)
