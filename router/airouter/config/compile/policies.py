"""Compiles what holds for all models: retries, stored responses, tracing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.config import snapshot
from airouter.config.compile.redis_url import check_redis_url

if TYPE_CHECKING:
    from airouter.config.compile.vault import Vault
    from airouter.config.findings import Path, Report
    from airouter.config.resource import (
        Cors,
        Ledger,
        Redis,
        Resilience,
        Responses,
        Stickiness,
        Traces,
    )


def compile_retries(resilience: Resilience) -> snapshot.Retries:
    """Compile `spec.resilience`, without its bans."""
    declared, hedge = resilience.retries, resilience.hedge
    return snapshot.Retries(
        attempts=declared.attempts,
        on_status=tuple(declared.on_status),
        backoff_initial=declared.backoff.initial,
        backoff_max=declared.backoff.max,
        max_retry_after=declared.backoff.max_retry_after,
        budget_percent=float(declared.budget_percent),
        fallback_on=tuple(resilience.fallback_on),
        heartbeat=resilience.heartbeat,
        hedge=None if hedge is None else snapshot.Hedge(hedge.after, float(hedge.percent)),
        joins_streams=resilience.on_broken_stream == "Continue",
    )


def compile_stickiness(declared: Stickiness | None) -> snapshot.Stickiness:
    """Compile `spec.sessions.stickiness`: on where the block is, unless it says otherwise."""
    if declared is None:
        return snapshot.Stickiness()
    return snapshot.Stickiness(declared.enabled, declared.ttl)


def compile_storage(declared: Responses | None) -> snapshot.ResponseStorage:
    """Compile `spec.responses.storage`."""
    if declared is None:
        return snapshot.ResponseStorage()
    storage = declared.storage
    return snapshot.ResponseStorage(storage.type, storage.ttl, storage.max_entries)


def compile_sealing(declared: Responses | None, vault: Vault) -> tuple[str, ...]:
    """Compile the sealing keys. Each must exist: content that it sealed opens with no other."""
    if declared is None or declared.sealing is None:
        return ()
    path: Path = ("spec", "responses", "sealing", "keys")
    keys = [
        vault.key(key.secret_ref, (*path, at, "secretRef"), rejects=True)
        for at, key in enumerate(declared.sealing.keys)
    ]
    return tuple(key for key in keys if key is not None)


def compile_redis(declared: Redis | None, vault: Vault, report: Report) -> str | None:
    """Return the URL of the Redis that replicas share."""
    if declared is None:
        return None
    path: Path = ("spec", "redis", "urlSecretRef")
    url = vault.key(declared.url_secret_ref, path, "url", rejects=True)
    if url is None:
        return None
    try:
        check_redis_url(url)
    except ValueError as error:
        fix = "use redis://host:6379/0"
        report.error(path, str(error), fix, rejects=True, reason="InvalidSecretFormat")
    return url


def compile_ledger(declared: Ledger, redis: Redis | None) -> str:
    """Return where limits of replicas meet, as far as it is known before a router runs."""
    return "Redis" if declared.type == "Auto" and redis is not None else declared.type


def compile_traces(declared: Traces) -> snapshot.Traces:
    """Compile `spec.telemetry.traces`."""
    ratio = None if declared.sample_ratio is None else float(declared.sample_ratio)
    return snapshot.Traces(ratio, declared.capture_content, tuple(declared.redact))


def compile_cors(declared: Cors | None) -> snapshot.Cors | None:
    """Compile `spec.http.cors`."""
    if declared is None:
        return None
    return snapshot.Cors(tuple(declared.origins), tuple(declared.headers), declared.max_age)
