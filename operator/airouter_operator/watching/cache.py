"""Caches of objects: the newest version of each that is needed, as JSON bytes.

JSON takes a tenth of what an object takes as a dictionary. An older object never replaces a newer
one.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from airouter_operator.key_secret import RECORD_ANNOTATION, ROTATE_ANNOTATION
from airouter_operator.kube.objects import (
    Object,
    ObjectKey,
    generation_of,
    resource_version_of,
    uid_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

NOT_KEPT = {"managedFields", "annotations"}
"""Fields of metadata that nobody asks for. `kubectl apply` keeps a copy of a Secret in one."""
KEPT_ANNOTATIONS = (RECORD_ANNOTATION, ROTATE_ANNOTATION)
LONGEST_ANNOTATION = 1024


class ObjectCache:
    """The objects of one kind."""

    def __init__(self, kept: Iterable[str]) -> None:
        """Keep some fields of each object, beside its metadata."""
        self._kept = tuple(kept)
        self._bodies: dict[ObjectKey, bytes] = {}
        self._versions: dict[ObjectKey, int] = {}
        self._observed: set[ObjectKey] = set()

    def __iter__(self) -> Iterator[ObjectKey]:
        return iter(tuple(self._bodies))

    def __len__(self) -> int:
        return len(self._bodies)

    def __contains__(self, key: ObjectKey) -> bool:
        return key in self._bodies

    def get(self, key: ObjectKey) -> Object | None:
        """Return the newest version of an object; None when there is no such object."""
        body = self._bodies.get(key)
        return None if body is None else msgspec.json.decode(body)

    def version(self, key: ObjectKey) -> int:
        """Return the resourceVersion of an object; 0 when there is no such object."""
        return self._versions.get(key, 0)

    def is_observed(self, key: ObjectKey) -> bool:
        """Return whether there is an object whose status is about its spec as it is.

        Kept beside the object: to read a large one takes milliseconds, and a list of its keys asks
        for it with each.
        """
        return key in self._observed

    def put(self, key: ObjectKey, body: Mapping[str, Any]) -> bool:
        """Take an object in, unless a newer one is there; return whether it was new."""
        version = resource_version_of(body)
        if version <= self._versions.get(key, -1):
            return False
        self._versions[key] = version
        self._bodies[key] = msgspec.json.encode(self._trimmed(body))
        if is_observed(body):
            self._observed.add(key)
        else:
            self._observed.discard(key)
        return True

    def drop(self, key: ObjectKey, uid: str = "") -> bool:
        """Forget an object, if it has that uid; return whether it was there."""
        # The end of an object may be told after the beginning of its successor of the same name.
        body = self.get(key)
        if body is None or (uid and uid_of(body) != uid):
            return False
        del self._bodies[key], self._versions[key]
        self._observed.discard(key)
        return True

    def _trimmed(self, body: Mapping[str, Any]) -> Object:
        kept = {name: body[name] for name in self._kept if name in body}
        return {"metadata": trimmed_metadata(body["metadata"]), **kept}


def is_observed(body: Mapping[str, Any]) -> bool:
    """Return whether the status of an object is about its spec as it is."""
    observed = (body.get("status") or {}).get("observedGeneration")
    return bool(observed == generation_of(body))


def trimmed_metadata(metadata: Mapping[str, Any]) -> Object:
    """Return metadata without what nobody asks for, which may take 256 KiB."""
    trimmed = {name: value for name, value in metadata.items() if name not in NOT_KEPT}
    given = metadata.get("annotations") or {}
    annotations = {
        name: given[name]
        for name in KEPT_ANNOTATIONS
        if name in given and len(given[name]) <= LONGEST_ANNOTATION
    }
    return {**trimmed, "annotations": annotations} if annotations else trimmed


class LastValue(NamedTuple):
    """A Secret that is gone, and the Unix time until which it is used all the same."""

    encoded: bytes
    until: float

    @property
    def body(self) -> Object:
        """The Secret as it was."""
        body: Object = msgspec.json.decode(self.encoded)
        return body


class SecretCache(ObjectCache):
    """The Secrets that are needed, read one by one; watches tell just which were changed.

    A namespace may hold any number of Secrets of others, a megabyte each: not even their names are
    kept.
    """

    def __init__(
        self,
        kept: Iterable[str],
        is_needed: Callable[[ObjectKey], bool],
        grace: float,
        clock: Callable[[], float],
    ) -> None:
        """Keep what `is_needed`, and what is gone for `grace` seconds of `clock` (Unix time)."""
        super().__init__(kept)
        self._is_needed = is_needed
        self._grace = grace
        self._clock = clock
        self._changes: Counter[ObjectKey] = Counter()
        """Changes of each needed Secret that were noticed."""
        self._read: dict[ObjectKey, int] = {}
        """Changes that had been noticed when a Secret was read last."""
        self._gone: dict[ObjectKey, LastValue] = {}

    def notice(self, key: ObjectKey, version: int) -> None:
        """Take note that a Secret has a version, which is to be read if it is needed."""
        if self._is_needed(key) and version > self.version(key):
            self._changes[key] += 1

    def changes(self, key: ObjectKey) -> int:
        """Return how many changes were noticed, for `take` to compare."""
        return self._changes[key]

    def is_current(self, key: ObjectKey) -> bool:
        """Return whether a Secret was read since its last change was noticed."""
        return self._read.get(key) == self._changes[key]

    def take(self, key: ObjectKey, body: Object | None, changes: int) -> None:
        """Take in what was read, None for no such Secret, after so many changes."""
        if not self._is_needed(key):
            return
        if body is None:
            self._let_go(key)
        elif resource_version_of(body) != self.version(key):
            # What was read is what there is, though it be older: etcd may have been restored.
            super().drop(key)
            self.put(key, body)
        self._read[key] = changes

    def put(self, key: ObjectKey, body: Mapping[str, Any]) -> bool:
        self._gone.pop(key, None)
        return super().put(key, body)

    def drop(self, key: ObjectKey, uid: str = "") -> bool:
        if self._is_needed(key):
            self._changes[key] += 1  # what is being read now may be from before
        body = self.get(key)
        if body is None or (uid and uid_of(body) != uid):
            return False
        self._let_go(key)
        return True

    def forget(self, key: ObjectKey) -> None:
        """Forget all about a Secret that nobody needs any more."""
        super().drop(key)
        for kept in (self._changes, self._read, self._gone):
            kept.pop(key, None)

    def last_value(self, key: ObjectKey) -> LastValue | None:
        """Return the last value of a Secret that is gone; None for others, or after the grace."""
        last = self._gone.get(key)
        if last is not None and self._clock() >= last.until:
            del self._gone[key]
            return None
        return last

    def _let_go(self, key: ObjectKey) -> None:
        body = self._bodies.get(key)
        if super().drop(key) and body is not None:
            self._gone[key] = LastValue(body, self._clock() + self._grace)
