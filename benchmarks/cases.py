"""The measured cases, and how close to the goal it is."""

from __future__ import annotations

import contextlib
import statistics
import urllib.request
from collections.abc import Callable, Iterator

import trustme

from benchmarks import (
    clients,
    latency,
    limits,
    nginx,
    responses,
    router,
    streams,
    translations,
    wrk,
)
from benchmarks.bench import Bench
from benchmarks.processes import LOAD_CORE, Running, free_port, python, running
from benchmarks.rows import Row

Started = contextlib.AbstractContextManager[Running]
REQUESTS_PER_CLIENT = 60_000
KILOBYTE = 1_000


def throughput(
    bench: Bench, what: str, target: float | None, subject: Callable[[int], Started]
) -> Row:
    """Requests per second beside nginx."""
    bench.tell(what)
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(nginx.upstream(bench.folder))
        reference = stack.enter_context(nginx.reverse_proxy(bench.folder, upstream.port))
        server = stack.enter_context(subject(upstream.port))
        load, ratio = bench.paired(server, reference)
    figure = f"{load.requests_per_second:,.0f}/s, {load.cpu_per_request * 1e6:.1f} us CPU"
    return at_least(what, figure, ratio, target)


def bare(bench: Bench) -> Iterator[Row]:
    """(a) Nothing but passing through."""
    yield throughput(
        bench,
        "(a) bare: anonymous, one backend",
        None,
        lambda port: router.router(bench.folder, port, backends=1, anonymous=True),
    )


def keys(bench: Bench) -> Iterator[Row]:
    """(b) As it is used."""
    yield throughput(
        bench,
        "(b) 100 keys, 4 backends, five limits, a budget, metrics",
        0.40,
        lambda port: router.router(bench.folder, port),
    )


def traced(bench: Bench) -> Iterator[Row]:
    """(c) Every request traced to a collector."""
    with collector(bench) as sink:
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{sink.port}",
            "OTEL_TRACES_SAMPLER": "always_on",
        }
        yield throughput(
            bench,
            "(c) the same, every request traced",
            0.33,
            lambda port: router.router(bench.folder, port, environment=environment),
        )
        with urllib.request.urlopen(f"http://127.0.0.1:{sink.port}/", timeout=5) as answer:
            taken = int(answer.read())
    if taken == 0:
        raise RuntimeError("the collector got no span")
    bench.tell(f"  the collector took {taken:,} bytes")


@contextlib.contextmanager
def collector(bench: Bench) -> Iterator[Running]:
    """An OTLP sink."""
    port = free_port()
    command = python("benchmarks.sink", port)
    with running(command, port, core=LOAD_CORE, log=bench.folder / "sink.log") as started:
        yield started


@contextlib.contextmanager
def event_source(bench: Bench, pause: float) -> Iterator[Running]:
    """An upstream of streams."""
    port = free_port()
    command = python("benchmarks.streams", "serve", port, pause)
    with running(command, port, core=LOAD_CORE, log=bench.folder / "events.log") as started:
        yield started


def events(bench: Bench) -> Iterator[Row]:
    """(d) CPU for each event of a stream."""
    what = "(d) 100 streams, an event each 20 ms"
    bench.tell(what)
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(event_source(bench, 0.02))
        reference = stack.enter_context(nginx.reverse_proxy(bench.folder, source.port))
        server = stack.enter_context(router.router(bench.folder, source.port))
        ratios, costs = [], []
        for _ in range(bench.rounds):
            base, ours = (
                streams.stream(subject, 100, 1, bench.seconds) for subject in (reference, server)
            )
            cost, base_cost = (each.cpu / each.events * 1e6 for each in (ours, base))
            bench.tell(f"  nginx {base_cost:.1f} us, router {cost:.1f} us per event")
            ratios.append(cost / base_cost)
            costs.append(cost)
    figure = f"{statistics.median(costs):.1f} us CPU per event"
    yield at_most(what, figure, statistics.median(ratios), 1.25)


def memory(bench: Bench) -> Iterator[Row]:
    """(e) Memory when idle, and for each open stream."""
    what = "(e) memory"
    bench.tell(what)
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(event_source(bench, 1.0))
        server = stack.enter_context(router.router(bench.folder, source.port))
        idle = server.memory()
        open_ = streams.stream(server, 1_000, 3, bench.seconds).memory
    each = (open_ - idle) / 1_000 / KILOBYTE
    yield Row("(e) RSS, idle", f"{idle / 1e6:.0f} MB", "", "< 70 MB", idle < 70e6)
    yield Row("(e) RSS for each of 1,000 streams", f"{each:.1f} KB", "", "< 20 KB", each < 20)


def half_load(bench: Bench) -> Iterator[Row]:
    """(f) Latency that the router adds at half of its load."""
    what = "(f) latency added at half load"
    bench.tell(what)
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(nginx.upstream(bench.folder))
        server = stack.enter_context(router.router(bench.folder, upstream.port))
        rate = wrk.load(server, bench.folder, bench.seconds).requests_per_second / 2
        direct = latency.latency(upstream.port, rate, bench.seconds)
        through = latency.latency(server.port, rate, bench.seconds)
    p50, p99 = ((b - a) * 1e3 for a, b in zip(direct, through, strict=True))
    bench.tell(f"  at {rate:,.0f}/s: direct {direct}, through the router {through}")
    yield Row(f"{what} ({rate:,.0f}/s), p50", f"{p50:.2f} ms")
    yield Row(f"{what} ({rate:,.0f}/s), p99", f"{p99:.2f} ms", "", "< 1 ms", p99 < 1)


def upstream_clients(bench: Bench) -> Iterator[Row]:
    """Our upstream client beside libraries."""
    authority = trustme.CA()
    pem = authority.issue_cert("127.0.0.1")
    ca, certificate, key = (bench.folder / name for name in ("ca.pem", "cert.pem", "key.pem"))
    authority.cert_pem.write_to_path(str(ca))
    pem.cert_chain_pems[0].write_to_path(str(certificate))
    pem.private_key_pem.write_to_path(str(key))
    for scheme, files in (("https", (certificate, key)), ("http", None)):
        with nginx.upstream(bench.folder, files) as server:
            url = f"{scheme}://127.0.0.1:{server.port}"
            bench.tell(f"upstream clients, {scheme}")
            speeds = {
                name: clients.compare(name, url, ca, REQUESTS_PER_CLIENT)
                for name in clients.CLIENTS
            }
        for name, speed in speeds.items():
            ratio = speed.requests_per_second / speeds["ours"].requests_per_second
            figure = f"{speed.requests_per_second:,.0f}/s, {speed.cpu_per_request * 1e6:.1f} us CPU"
            yield Row(f"upstream client over {scheme}: {name}", figure, f"{ratio:.2f} of ours")


def at_least(what: str, figure: str, ratio: float, target: float | None) -> Row:
    """A ratio that should be high."""
    if target is None:
        return Row(what, figure, f"{ratio:.2f} of nginx")
    return Row(what, figure, f"{ratio:.2f} of nginx", f">= {target:.2f}", ratio >= target)


def at_most(what: str, figure: str, ratio: float, target: float) -> Row:
    """A ratio that should be low."""
    return Row(what, figure, f"{ratio:.2f} of nginx", f"<= {target:.2f}", ratio <= target)


CASES: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "bare": bare,
    "keys": keys,
    "traced": traced,
    "streams": events,
    "memory": memory,
    "latency": half_load,
    "clients": upstream_clients,
    "translated": translations.whole,
    "events": translations.events,
    "linear": translations.linear,
    "first": translations.first_byte,
    "responses": responses.beside_chat,
    "sessions": responses.sessions,
    "idle": responses.idle,
    "chain": responses.chain,
    "limits": limits.reserving,
}
