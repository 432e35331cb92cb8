"""Rotation: when a key is replaced, and until when the one before is good.

Pure. Times are Unix seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter_operator.key_secret import KeyRecord, KeySecret, new_key

if TYPE_CHECKING:
    from airouter.config.resource.routerkey import RouterKeySpec

NOW, OVERLAP = "now", "overlap"
REQUESTS = (NOW, OVERLAP)
"""The values of the annotation that asks for another key."""

DEFAULT_OVERLAP = 86_400.0


def key_due(
    content: KeySecret | None, spec: RouterKeySpec, request: str, base_url: str, now: float
) -> KeySecret:
    """Return what the Secret of a RouterKey should hold, which is what it holds if nothing is due.

    `content` is what it holds, `request` the annotation of the RouterKey.
    """
    if content is None:
        # A request is met by a first key, too: without this, a second would follow at once.
        return KeySecret(new_key(), KeyRecord(int(now), request=accepted(request)), base_url)
    if request in REQUESTS and request != content.record.request:
        overlap = 0.0 if request == NOW else overlap_of(spec)
        return next_key(content, overlap, request, base_url, now)
    record = content.record
    if spec.rotation is not None and now >= record.issued_at + spec.rotation.every:
        return next_key(content, overlap_of(spec), accepted(request), base_url, now)
    kept = KeyRecord(record.issued_at, record.former_sha256, record.former_until, accepted(request))
    return KeySecret(content.key, kept, base_url)


def next_key(
    content: KeySecret, overlap: float, request: str, base_url: str, now: float
) -> KeySecret:
    """Return another key; the one before is good for the overlap, and the one before it ends."""
    issued_at = int(now)
    if not overlap:
        return KeySecret(new_key(), KeyRecord(issued_at, request=request), base_url)
    until = issued_at + int(overlap)
    return KeySecret(new_key(), KeyRecord(issued_at, content.key_sha256, until, request), base_url)


def overlap_of(spec: RouterKeySpec) -> float:
    """Return the seconds for which a key is good that was replaced."""
    if spec.rotation is None:
        return DEFAULT_OVERLAP
    half = spec.rotation.every / 2
    return half if spec.rotation.overlap is None else spec.rotation.overlap


def accepted(request: str) -> str:
    """Return a request that is understood; empty for any other."""
    return request if request in REQUESTS else ""


def rotates_at(record: KeyRecord, spec: RouterKeySpec) -> float | None:
    """Return the time at which a key is replaced by its schedule; None without one."""
    return None if spec.rotation is None else record.issued_at + spec.rotation.every


def next_turn(record: KeyRecord, spec: RouterKeySpec, now: float) -> float | None:
    """Return the next time at which a key is replaced or ends; None if there is none."""
    times = (rotates_at(record, spec), float(record.former_until), spec.expires_at)
    return min((time for time in times if time is not None and time > now), default=None)
