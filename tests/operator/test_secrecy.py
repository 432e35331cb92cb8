"""Every key and token of one scenario, and nothing of them in what anybody is told.

What an operator and a router write, show and export while all kinds of keys are used, accepted,
refused, and quoted by a provider: logs, Events, statuses, metrics, traces, pages, snapshots.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import signal
from collections.abc import AsyncIterator

from support.chat_provider import ANSWER, http
from support.control_plane import ControlPlane
from support.failing_provider import length_of
from support.http_client import http_client
from support.otlp_sink import Sink, http_sink
from support.resources import Object, routerconfig, secret
from support.router import RouterProcess, router_process
from support.router_keys import grant_to, key_in, router_key, snapshot_text, until_key_condition
from support.router_models import until_models
from support.token_issuer import Issuer

CORP = Issuer("https://login.example.com")
MASTER, CLIENT = "sk-master-5f2c81d0", "sk-client-9b07ae44"
GOOD, WRONG = "sk-provider-good-71c3", "sk-provider-wrong-28e6"
GUESSED = "sk-guessed-by-somebody-03"
CHAT = {"model": "good", "messages": [{"role": "user", "content": "Hi"}]}
MASTERS_PAGES = ("/health", "/vhealth", "/metrics", "/v1/usage", "/v1/models", "/openapi.json")


@contextlib.asynccontextmanager
async def quoting_provider() -> AsyncIterator[str]:
    """A provider that quotes any key but the good one in its refusal; yields its base URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                fed = asyncio.StreamReader()
                fed.feed_data(head)
                fed.feed_eof()
                await reader.readexactly(await length_of(fed))
                key = head.lower().partition(b"bearer ")[2].partition(b"\r")[0].decode()
                quoted = {"error": {"message": f"Incorrect API key provided: {key}."}}
                writer.write(http(200, ANSWER) if key == GOOD else http(401, quoted))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()


def declared(namespace: str, base_url: str) -> list[Object]:
    """Two models, one of a key that is refused, for all kinds of clients."""
    credentials = [
        {
            "name": name,
            "type": "OpenAICompatible",
            "baseURL": base_url,
            "secretRef": {"name": "provider-keys", "key": name},
        }
        for name in ("good", "wrong")
    ]
    auth: Object = {
        "masterKey": {"secretRef": {"name": "keys", "key": "master"}},
        "clients": [{"name": "team", "secretRef": {"name": "keys", "key": "client"}}],
        "grants": [grant_to(namespace)],
        "serviceAccounts": [{"name": "batch", "namespaces": {"names": [namespace]}}],
        "jwt": [
            {
                "name": "corp",
                "issuer": CORP.url,
                "audiences": ["airouter"],
                "jwksSecretRef": {"name": "corp"},
            }
        ],
    }
    config = routerconfig(
        *credentials,
        models={"good": "good", "wrong": "wrong"},
        auth=auth,
        resilience={"fail2ban": {"maxAttempts": 1}},
        telemetry={"traces": {"sampleRatio": "1.0", "captureContent": True}},
    )
    return [
        config,
        secret("keys", master=MASTER, client=CLIENT),
        secret("provider-keys", good=GOOD, wrong=WRONG),
        secret("corp", **{"jwks.json": CORP.jwks}),
        router_key(),
    ]


async def ask(
    plane: ControlPlane, router: RouterProcess, key: str, model: str, header: str = "authorization"
) -> int:
    """The status of a chat; what its client gets is told, too."""
    value = f"Bearer {key}" if header == "authorization" else key
    async with http_client(base_url=router.base_url) as client:
        body = CHAT | {"model": model}
        answer = await client.post("/chat/completions", json=body, headers={header: value})
        plane.shown.append(f"{answer.headers}{answer.text}")
        return answer.status_code


def exported(sink: Sink) -> str:
    """All that a collector got, text fields of it in clear."""
    bodies = [body for some in sink.bodies.values() for body in some]
    spans = [each.SerializeToString() for each in sink.requests]
    return b"\n".join([*bodies, *spans]).decode("utf-8", "replace")


async def use(plane: ControlPlane, router: RouterProcess, good: list[str], bad: list[str]) -> None:
    """Use all keys in all ways, have a provider refuse its own, and look at all pages."""
    for header in ("authorization", "x-api-key"):
        assert {await ask(plane, router, key, "good", header) for key in good} == {200}
        assert {await ask(plane, router, key, "good", header) for key in bad} == {401}
    assert {await ask(plane, router, key, "wrong") for key in good} == {502}
    await plane.until_told("Warning", "CredentialBanned")
    headers = {"authorization": f"Bearer {MASTER}"}
    async with http_client(base_url=router.url, headers=headers) as client:
        for path in MASTERS_PAGES:
            plane.shown.append((await client.get(path, params={"api-key": GUESSED})).text)
    plane.shown.append(await router.page("/vhealth"))


async def test_no_key_and_no_token_is_told_to_anybody(plane: ControlPlane) -> None:
    await plane.kubectl("create", "serviceaccount", "batch")
    account = (await plane.kubectl("create", "token", "batch", "--audience=airouter")).strip()
    alice = CORP.token(sub="alice").decode()
    expired = CORP.token(sub="bob", lifetime=-60).decode()
    forged = Issuer(CORP.url).token(sub="eve").decode()
    tokens = [account, alice, expired, forged]
    plane.secrets |= {GUESSED, *tokens, *(each.rpartition(".")[2] for each in tokens)}
    async with quoting_provider() as base_url:
        await plane.apply(*declared(plane.namespace, base_url))
        with http_sink() as sink:
            async with plane.operator() as operator:
                await until_key_condition(plane, "Issued", "True")
                issued = (await key_in(plane))["OPENAI_API_KEY"]
                mount = await plane.mount()
                exporting = {
                    "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint,
                    "OTEL_TRACES_EXPORTER": "otlp",
                    "OTEL_METRICS_EXPORTER": "otlp",
                    "OTEL_LOGS_EXPORTER": "otlp",
                }
                arguments = ("--snapshot-dir", str(mount))
                pod = {"AIROUTER_POD_NAME": "pod-0", "AIROUTER_LOG_LEVEL": "debug"}
                async with router_process(plane.folder, *arguments, **exporting, **pod) as router:
                    await until_models(router, ["good", "wrong"], issued)
                    good = [MASTER, CLIENT, issued, account, alice]
                    await use(plane, router, good, [expired, forged, GUESSED, f"{MASTER}x"])
                    router.signal(signal.SIGTERM)
                    assert await router.wait() == 0
                plane.shown.append((await operator.page("/metrics")).text)
            told = exported(sink)
            assert sink.spans
            assert {"/v1/metrics", "/v1/logs"} <= sink.bodies.keys()
            plane.shown.append(told)
    snapshot = await snapshot_text(plane)
    for key in (MASTER, CLIENT, issued, *tokens):
        assert key not in snapshot, "clients' keys are there as hashes alone"
    secrets = await plane.kubectl("get", "secrets", "-o", "json")
    written = {
        each["metadata"]["name"]: each.get("data", {}) for each in json.loads(secrets)["items"]
    }
    assert GOOD in snapshot
    for name in ("default-ledger", "default-certificate"):
        for value in written.get(name, {}).values():
            assert not any(key.encode() in base64.b64decode(value) for key in plane.secrets)
    await plane.assert_no_secret_was_told()
