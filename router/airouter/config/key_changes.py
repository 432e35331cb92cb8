"""The change from one snapshot to the next, where only keys are others: what pods get of it.

Thousands of keys are half a megabyte, and a key that is made or replaced is a few hundred bytes.
Whoever runs the snapshot before makes the next one of it, which is the very same as if all of it
had travelled.
"""

from __future__ import annotations

import msgspec

from airouter.config.delivery import Undeliverable
from airouter.config.snapshot import ClientKey, Snapshot
from airouter.untrusted import decoded

BASE_HEADER = "x-snapshot-base"
"""Names the version beside changes that they are to be made to."""
MOST_CHANGED = 1_000
"""Clients in one change: more travel with everything else."""


class KeyChanges(msgspec.Struct, frozen=True):
    """Changes of clients."""

    base: str
    """The version of the snapshot before."""
    version: str
    serial: int
    gone: list[str]
    """Names of clients that are no more, or are others now."""
    there: list[tuple[int, ClientKey]]
    """Those that are others now or new, by their places, the first one first."""


CHANGES = msgspec.json.Decoder(KeyChanges)


def changes_between(before: Snapshot, after: Snapshot) -> KeyChanges | None:
    """Return the changes from one snapshot to another; None where they are more than that."""
    if without_clients(before) != without_clients(after):
        return None
    known = {client.name: client for client in before.auth.clients}
    there = [
        (place, client)
        for place, client in enumerate(after.auth.clients)
        if known.get(client.name) != client
    ]
    for client in after.auth.clients:
        known.pop(client.name, None)
    former = {client.name for client in before.auth.clients}
    gone = [*known, *(client.name for _, client in there if client.name in former)]
    if len(there) + len(gone) > MOST_CHANGED:
        return None
    changes = KeyChanges(before.version, after.version, after.serial, gone, there)
    return changes if after_changes(before, changes) == after else None


def after_changes(before: Snapshot, changes: KeyChanges) -> Snapshot:
    """Return the snapshot that follows; `before` has to be of the version that is named."""
    gone = set(changes.gone)
    clients = [client for client in before.auth.clients if client.name not in gone]
    for place, client in changes.there:
        clients.insert(place, client)
    auth = msgspec.structs.replace(before.auth, clients=tuple(clients))
    return msgspec.structs.replace(
        before, version=changes.version, serial=changes.serial, auth=auth
    )


def without_clients(snapshot: Snapshot) -> Snapshot:
    """Return all of a snapshot but its clients, its version and its serial."""
    auth = msgspec.structs.replace(snapshot.auth, clients=())
    return msgspec.structs.replace(snapshot, version="", serial=0, auth=auth)


def read_changes(content: bytes) -> KeyChanges:
    """Return changes as they travel. Raises `Undeliverable`."""
    return decoded(CHANGES, content, Undeliverable, "is not the JSON of KeyChanges")
