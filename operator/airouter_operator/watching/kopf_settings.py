"""Settings of kopf: as quiet, as patient and as light as the operator needs it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import kopf

from airouter_operator.kube.api import PAGE
from airouter_operator.watching.kinds import WATCHED_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class NoDiffStorage(kopf.DiffBaseStorage):
    """No memory of former states, since no handler asks for a difference.

    Copying each object for that memory takes most of the time that kopf spends on an event.
    """

    def build(
        self,
        *,
        body: kopf.Body,  # noqa: ARG002
        extra_fields: Iterable[kopf.FieldSpec] | None = None,  # noqa: ARG002
    ) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:  # noqa: ARG002
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        pass


class EndlessBackoffs:
    """Seconds between kopf's attempts, without end.

    kopf ends where a watch has failed too often. An API server that starts refuses with 403 until
    it has read the roles, however long that takes.
    """

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((0.2, 0.5, 1.0), itertools.repeat(2.0))


def kopf_settings() -> kopf.OperatorSettings:
    """Return settings for watches that are renewed for ever, and for nothing else."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False  # `reconciling/events.py` writes the Events
    # Scanning and peering would take rights on CRDs, namespaces and objects of kopf's own. A Lease
    # says who leads (`leading/lease.py`).
    settings.scanning.disabled = True
    settings.peering.standalone = True
    # The API server ends each watch after five minutes. One that it does not end is cut soon after,
    # and one without even a bookmark, which comes every minute, counts as dead.
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 330
    settings.watching.inactivity_timeout = 70
    settings.watching.reconnect_backoff = 0.1
    settings.watching.chunk_size = PAGE
    for kind in WATCHED_KINDS:
        if kind.selector:
            settings.watching.field_selectors[kind.version, kind.plural] = kind.selector
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 5
    settings.networking.error_backoffs = EndlessBackoffs()
    settings.queueing.exit_timeout = 1.0
    settings.persistence.diffbase_storage = NoDiffStorage()
    return settings
