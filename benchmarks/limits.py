"""What the limits of a request take of the hot path, in the process and without sockets."""

from __future__ import annotations

import statistics
import timeit
from collections.abc import Callable, Iterator

from airouter.config.manifest import ManifestFile, compile_manifest
from airouter.dialects.client_request import parse_client_request
from airouter.limits import Limiter
from benchmarks.bench import Bench
from benchmarks.router import MODEL, TEAMS, manifest
from benchmarks.rows import Row

TIMES = 20_000
MOST = 3.0
"""Microseconds that all limits of a request may take."""
BODY = b'{"model":"gpt-4o","messages":[{"role":"user","content":"Hello!"}],"max_tokens":16}'


def reserving(bench: Bench) -> Iterator[Row]:
    """(o) Client, client for the model, group, credential, backend: requests, tokens, at a time."""
    what = "(o) five limits of a request, reserved and settled"
    bench.tell(what)
    written = ManifestFile("bench", manifest(1, anonymous=False).encode())
    snapshot = compile_manifest([written], {}).snapshot
    assert snapshot is not None
    limiter = Limiter()
    limiter.reload(snapshot)
    tenant = snapshot.auth.clients[TEAMS.index("team-1")].tenant
    backend = snapshot.models[0].tiers[0][0]
    counters = limiter.of_backend(backend.credential, backend.upstream_name)
    assert counters is not None
    request = parse_client_request(BODY)

    def reserve_and_settle() -> None:
        permit = limiter.reserve(tenant, MODEL, request)
        attempt = limiter.reserve_attempt(counters, MODEL, request, permit.estimate)
        attempt.settle(3, 2)
        permit.settle(3, 2)

    limits, parsing = [], []
    for _ in range(bench.rounds):
        limits.append(microseconds(reserve_and_settle))
        parsing.append(microseconds(lambda: parse_client_request(BODY)))
    taken = statistics.median(limits)
    ratio = taken / statistics.median(parsing)
    yield Row(
        what, f"{taken:.1f} us", f"{ratio:.2f} of parsing it", f"<= {MOST:g} us", taken <= MOST
    )


def microseconds(action: Callable[[], object]) -> float:
    """Return the time of one run, of the fastest of several."""
    return min(timeit.repeat(action, number=TIMES, repeat=5)) / TIMES * 1e6
