"""`airouter test`: one small call by each credential, straight to its provider.

A call goes the way of a request from the translation on: the same URL, key, TLS and body. There is
no retry and no fallback, so that each credential shows what it is worth.
"""

import asyncio
import json
import logging
import time
from typing import Annotated, NamedTuple
from urllib.request import getproxies_environment

import typer
import uvloop

from airouter.commands.manifest_files import SecretsFrom, single_config
from airouter.commands.options import (
    INVALID,
    Context,
    Files,
    Namespace,
    SecretsFromCluster,
)
from airouter.commands.terminal import counted
from airouter.config.snapshot import Backend, Model, Snapshot
from airouter.dialects.client_request import parse_client_request
from airouter.eventloop.outbox import Outbox
from airouter.failures import Failure
from airouter.interfaces import BufferedReply, UpstreamError
from airouter.providers.base import reported_error
from airouter.providers.binding import Api
from airouter.providers.identity import Identities
from airouter.providers.registry import load_providers
from airouter.serving.state import ServingState, build
from airouter.serving.target import Target
from airouter.upstream.batch import buffered
from airouter.upstream.pools import Pools

EXAMPLES = """\
  airouter test
  airouter test gpt-4o -f router.yaml
  airouter test --secrets-from-cluster -f router.yaml -n ai
"""
FAILED = 1
AT_ONCE = 8
CALL_LIMIT = 60.0
"""Seconds for a call, an identity and its token included."""
LARGEST_ANSWER = 4 * 1_048_576
LONGEST_WORDS = 400
BODIES: dict[Api, dict[str, object]] = {
    "chat": {"messages": [{"role": "user", "content": "Answer with one word: OK"}]},
    "embeddings": {"input": "OK"},
    "completions": {"prompt": "Answer with one word: OK", "max_tokens": 4},
    "responses": {"input": "Answer with one word: OK"},
}
"""The smallest request of each API; what costs more, such as an image, is not asked for."""


class TestCall(NamedTuple):
    """A call to make: a backend of a model, and the API for it."""

    model: str
    backend: Backend
    api: Api
    target: Target

    @property
    def title(self) -> str:
        """The backend as the header x-airouter-backend names it."""
        return f"{self.backend.credential}/{self.backend.upstream_name} ({self.api})"


class CallResult(NamedTuple):
    """The end of a call: seconds, and the error in the provider's own words, empty for none."""

    seconds: float
    error: str


def test_command(
    model: Annotated[
        str | None, typer.Argument(metavar="MODEL", help="Only the credentials of this model.")
    ] = None,
    file: Files = None,
    *,
    secrets_from_cluster: SecretsFromCluster = False,
    context: Context = None,
    namespace: Namespace = None,
) -> None:
    """Make one small call by each credential, and tell how it went.

    Each line has the time and, of a failure, the provider's own words. Calls cost what a question
    of one word costs. Exits with 1 if one failed.
    """
    logging.disable(logging.CRITICAL)  # what is worth telling is in the lines
    secrets = SecretsFrom(False, secrets_from_cluster, context, namespace)
    compiled = single_config(file, secrets)
    for finding in compiled.findings:
        if finding.severity == "error":
            typer.echo(str(finding), err=True)
    if compiled.snapshot is None:
        raise typer.Exit(INVALID)
    if model is not None and not models_named(model, compiled.snapshot):
        typer.echo(f"there is no model {model}", err=True)
        raise typer.Exit(INVALID)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        failed = runner.run(call_all(compiled.snapshot, model))
    raise typer.Exit(FAILED if failed or compiled.count("error") else 0)


def models_named(name: str | None, snapshot: Snapshot) -> list[Model]:
    """Return the model of a name or an alias, or all models for None."""
    return [m for m in snapshot.models if name is None or name in {m.name, *m.aliases}]


async def call_all(snapshot: Snapshot, name: str | None) -> int:
    """Make all calls, a few at a time, and print each as it ends; returns how many failed."""
    outbox = Outbox(asyncio.get_running_loop())
    proxies = getproxies_environment()
    pools = Pools(outbox, max_connections=AT_ONCE, body_limit=LARGEST_ANSWER, proxies=proxies)
    identities = Identities()
    try:
        serving = build(snapshot, load_providers(), pools, identities, {})
        failed = 0
        for credential, why in serving.unusable.items():
            typer.echo(f"FAILED  {credential}: {why}")
            failed += 1
        calls = calls_for(serving, name)
        turns = asyncio.Semaphore(AT_ONCE)
        for ending in asyncio.as_completed([call_in_turn(each, turns) for each in calls]):
            call, result = await ending
            typer.echo(line_of(call, result))
            failed += bool(result.error)
        typer.echo(f"{counted(len(calls), 'call')}, {failed} failed")
        for credential in untested(serving, calls, name):
            typer.echo(f"not called: {credential} (no model names it for chat or embeddings)")
        return failed
    finally:
        identities.close()
        pools.close()


def calls_for(serving: ServingState, name: str | None) -> list[TestCall]:
    """Return one call for each credential that a model can be asked of."""
    found: dict[str, TestCall] = {}
    for model in models_named(name, serving.snapshot):
        for backend in (each for tier in model.tiers for each in tier):
            if backend.credential not in found:
                call = call_of(serving, model.name, backend)
                if call is not None:
                    found[backend.credential] = call
    return list(found.values())


def call_of(serving: ServingState, model: str, backend: Backend) -> TestCall | None:
    """Return a call of a backend by the first API that it has; None if it has none of ours."""
    # A model for embeddings is known by its name alone.
    apis = sorted(BODIES, key=lambda api: (api != "embeddings") == ("embed" in model))
    for api in apis:
        route = serving.catalogs[api].find(model)
        for bound in route.backends if route else ():
            same = bound.upstream_name == backend.upstream_name
            if same and bound.credential == backend.credential:
                return TestCall(model, backend, api, bound.target)
    return None


def untested(serving: ServingState, calls: list[TestCall], name: str | None) -> list[str]:
    """Return the credentials that no call was made by, where all were asked for."""
    called = {call.backend.credential for call in calls}
    return [] if name else [each for each in serving.accounts if each not in called]


async def call_in_turn(call: TestCall, turns: asyncio.Semaphore) -> tuple[TestCall, CallResult]:
    """Make a call once it is its turn."""
    async with turns:
        started = time.monotonic()
        try:
            async with asyncio.timeout(CALL_LIMIT):
                error = await make_call(call)
        except TimeoutError:
            error = f"no answer within {CALL_LIMIT:g} s"
        return call, CallResult(time.monotonic() - started, error)


async def make_call(call: TestCall) -> str:
    """Make a call; returns its error, without anything of the key, or an empty text."""
    target = call.target
    body = json.dumps({"model": call.model, **BODIES[call.api]}).encode()
    try:
        request = parse_client_request(body)
        (encoded,) = target.translation.encode(request)
        reply = await target.account.send(target.path, target.head, encoded)
        try:
            answer = await buffered(reply)
        finally:
            reply.close()
        if 200 <= answer.status < 300:
            target.translation.answer(request, [answer])
            return ""
        return target.account.masking.text(own_words(answer))
    except (UpstreamError, Failure) as error:
        told = error.message if isinstance(error, Failure) else str(error)
        return target.account.masking.text(told)


def own_words(answer: BufferedReply) -> str:
    """Return a provider's error: its status and its message, or the beginning of its body."""
    message = reported_error(answer.body).get("message")
    if not isinstance(message, str):
        message = answer.body.decode(errors="replace")
    return f"{answer.status}: {' '.join(message.split())[:LONGEST_WORDS]}"


def line_of(call: TestCall, result: CallResult) -> str:
    """Return the line of a call."""
    took = f"{result.seconds * 1000:.0f} ms"
    if result.error:
        return f"FAILED  {call.title} {took}: {result.error}"
    return f"ok      {call.title} {took}"
