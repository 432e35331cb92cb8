"""`airouter top`: the numbers of the router's page in a terminal, of one router or of all pods.

They come from `/metrics` and `/vhealth`, which need no key. Rates are those between two looks.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import typer

from airouter.commands.kubectl import KubectlError, kubectl
from airouter.commands.options import DEFAULT_URL, INVALID, Context, Namespace, RouterUrl
from airouter.commands.router_client import RouterClient, RouterError
from airouter.commands.router_numbers import RouterNumbers, numbers_in

EXAMPLES = """\
  airouter top
  airouter top --url http://10.0.0.7:8080 --once
  airouter top --context prod -n ai
"""
PODS = "app.kubernetes.io/name=auto-ai-router,app.kubernetes.io/component=router"
CLEAR = "\x1b[H\x1b[2J"
LEAST_INTERVAL, LONGEST_INTERVAL = 0.2, 3600.0

Look = Callable[[], list[RouterNumbers]]
"""Asks all routers for their numbers."""


def top_command(
    url: RouterUrl = DEFAULT_URL,
    context: Context = None,
    namespace: Namespace = None,
    interval: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", min=LEAST_INTERVAL, max=LONGEST_INTERVAL, help="Between two looks."
        ),
    ] = 2.0,
    *,
    once: Annotated[bool, typer.Option("--once", help="Look once, and print totals.")] = False,
) -> None:
    """Watch the numbers of running routers.

    Without --context and --namespace, those of the router at --url; with one of them, those of all
    router pods of a namespace together, asked by kubectl through the API server, which takes the
    right to get pods/proxy.
    """
    try:
        if context is None and namespace is None:
            with RouterClient(url) as router:
                watch(lambda: [look_at(router, url)], interval, once=once)
        else:
            watch(lambda: look_at_pods(context, namespace), interval, once=once)
    except (RouterError, KubectlError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(INVALID) from None
    except KeyboardInterrupt:
        raise typer.Exit from None


def watch(look: Look, interval: float, *, once: bool) -> None:
    """Print the numbers, again and again unless once."""
    before: list[RouterNumbers] = []
    while True:
        now = look()
        text = "\n".join(screen(now, before))
        if once:
            typer.echo(text)
            return
        typer.echo(f"{CLEAR}{text}")
        before = now
        time.sleep(interval)


def look_at(router: RouterClient, name: str) -> RouterNumbers:
    """Ask one router. Raises `RouterError`."""
    health = router.text("/vhealth", accept="application/json")
    return numbers_in(name, router.metrics(), health)


def look_at_pods(context: str | None, namespace: str | None) -> list[RouterNumbers]:
    """Ask all router pods of a namespace. Raises `KubectlError`."""
    answer = kubectl(
        *("get", "pods", "--selector", PODS, "--output", "json"),
        *("--field-selector", "status.phase=Running"),
        context=context,
        namespace=namespace,
    )
    pods = json.loads(answer)["items"]
    if not pods:
        raise KubectlError(f"no running pod has the labels {PODS} (fix: name another --namespace)")
    found = []
    for pod in pods:
        name, place = pod["metadata"]["name"], pod["metadata"]["namespace"]
        port = router_port(pod)
        root = f"/api/v1/namespaces/{place}/pods/{name}:{port}/proxy"
        metrics = kubectl("get", "--raw", f"{root}/metrics", context=context)
        try:
            health = kubectl("get", "--raw", f"{root}/vhealth", context=context)
        except (
            KubectlError
        ):  # it answers 503 while it is not ready, which kubectl tells as an error
            health = ""
        found.append(numbers_in(name, metrics, health))
    return found


def router_port(pod: dict[str, Any]) -> int:
    """Return the first port of a pod's containers, which is the router's."""
    ports = [port for each in pod["spec"]["containers"] for port in each.get("ports", ())]
    return int(ports[0]["containerPort"]) if ports else 8080


def screen(now: Sequence[RouterNumbers], before: Sequence[RouterNumbers]) -> Iterator[str]:
    """Yield the lines of a look: routers, then models and credentials of all of them together.

    What is counted is told as since the look before, or as totals where there was none.
    """
    whole, seconds = RouterNumbers.together(now), 0.0
    if before and {each.name for each in now} == {each.name for each in before}:
        whole = whole.since(RouterNumbers.together(before))
        seconds = now[0].taken_at - before[0].taken_at
    yield from router_lines(now)
    yield ""
    yield from lines_of_models(whole, seconds)
    yield ""
    yield from credential_rows(whole)


def router_lines(routers: Sequence[RouterNumbers]) -> Iterator[str]:
    """Yield a line for each router, and under it what is wrong with it."""
    yield f"{'ROUTER':<40} {'STATUS':<10} {'CONFIG':<10} {'CONNECTIONS':>11} {'IN FLIGHT':>9}"
    for each in routers:
        yield (
            f"{each.name:<40} {each.status:<10} {each.version[:8]:<10} "
            f"{each.connections:>11.0f} {sum(each.in_flight.values()):>9.0f}"
        )
        yield from (f"  {reason}" for reason in each.reasons)


def lines_of_models(whole: RouterNumbers, seconds: float) -> Iterator[str]:
    """Yield a line for each model, and for what went to none; `seconds` make requests a rate."""
    title = "REQUESTS/S" if seconds else "REQUESTS"
    yield f"{'MODEL':<40} {title:>10} {'ERRORS':>8} {'TOKENS':>12} {'P50':>8} {'P95':>8}"
    for model, count in sorted(whole.requests.items()):
        median, slow = (short_duration(whole.quantile(model, share)) for share in (0.5, 0.95))
        requests = f"{count / seconds:.1f}" if seconds else str(count)
        yield (
            f"{model or '-':<40} {requests:>10} {whole.errors[model]:>8} {whole.tokens[model]:>12} "
            f"{median:>8} {slow:>8}"
        )


def credential_rows(whole: RouterNumbers) -> Iterator[str]:
    """Yield a line for each credential."""
    yield f"{'CREDENTIAL':<40} {'IN FLIGHT':>9} {'ATTEMPTS':>10} {'FAILED':>8} {'BANS':>5}"
    for name in sorted({*whole.attempts, *whole.in_flight, *whole.bans}):
        yield (
            f"{name:<40} {whole.in_flight[name]:>9} {whole.attempts[name]:>10} "
            f"{whole.failed[name]:>8} {whole.bans[name]:>5}"
        )


def short_duration(seconds: float | None) -> str:
    """Return a duration in few characters; a dash for none."""
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.0f}ms" if seconds < 1 else f"{seconds:.1f}s"
