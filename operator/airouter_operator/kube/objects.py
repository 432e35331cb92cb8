"""Kubernetes objects as plain JSON, their keys, and what their metadata says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

Object = dict[str, Any]
"""A Kubernetes object as JSON."""


class ObjectKey(NamedTuple):
    """The namespace and name of an object."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def kubernetes_time(moment: float) -> str:
    """Return a Unix time as Kubernetes writes times."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def unix_time(text: str) -> float:
    """Return a time that `kubernetes_time` has written as Unix seconds."""
    return datetime.fromisoformat(text).timestamp()


def object_key(body: Mapping[str, Any]) -> ObjectKey:
    """Return the key of an object; one of the cluster, such as a Namespace, is in none."""
    metadata = body["metadata"]
    return ObjectKey(metadata.get("namespace", ""), metadata["name"])


def resource_version_of(body: Mapping[str, Any]) -> int:
    """Return the resourceVersion of an object; 0 if it has none."""
    # A resourceVersion was opaque once. Those of one kind may be compared since KEP-5504.
    version = body["metadata"].get("resourceVersion", "")
    return int(version) if version.isdecimal() else 0


def uid_of(body: Mapping[str, Any]) -> str:
    """Return the uid of an object: another one after it was deleted and created anew."""
    return str(body["metadata"].get("uid", ""))


def annotation_in(body: Mapping[str, Any], name: str) -> str:
    """Return an annotation of an object; empty if it has none."""
    return str((body["metadata"].get("annotations") or {}).get(name, ""))


def is_ending(body: Mapping[str, Any]) -> bool:
    """Return whether an object was deleted, and is there only until somebody has let go of it."""
    return "deletionTimestamp" in body["metadata"]


def generation_of(body: Mapping[str, Any]) -> int:
    """Return the generation of an object: how often its spec was changed."""
    return int(body["metadata"].get("generation", 0))
