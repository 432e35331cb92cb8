"""The router under test, in the shapes that the cases ask for."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.processes import SERVER_CORE, Running, free_port, python, running

KEY = "sk-benchmark-0123456789"
COMPATIBLE: Mapping[str, Any] = {
    "type": "OpenAICompatible",
    "baseURL": "/v1",
    "upstreamName": "gpt-4o-2024-11-20",
}
"""The provider that a chat passes through to: its credential, and its name of the model."""
MODEL = "gpt-4o"
TEAMS = [f"team-{number}" for number in range(100)]
PLENTY = {"rpm": 1_000_000_000, "tpm": 1_000_000_000, "maxConcurrent": 100_000}
"""Limits that are counted and never reached."""
BUDGET = {"usd": "999999", "period": "Month"}


def client(name: str) -> dict[str, Any]:
    """A client with all the limits that one can have, and a budget."""
    return {
        "name": name,
        "secretRef": {"name": "keys", "key": name},
        "models": ["gpt-*"],
        "limits": PLENTY,
        "modelLimits": [{"models": MODEL, "limits": PLENTY}],
        "groups": ["everybody"],
        "budget": BUDGET,
    }


def manifest(
    target: int,
    *,
    backends: int = 4,
    anonymous: bool = False,
    provider: Mapping[str, Any] = COMPATIBLE,
) -> str:
    """One model, so many credentials of the same upstream, and a hundred clients' keys.

    Clients have limits and a budget, and so have credentials and backends, unless all is open.
    """
    bound = {} if anonymous else {"limits": PLENTY}
    provider = dict(provider)
    upstream_name = provider.pop("upstreamName")
    credentials = [
        {
            "name": f"upstream-{number}",
            "secretRef": {"name": "keys", "key": "upstream"},
            **bound,
            **provider,
            "baseURL": f"http://127.0.0.1:{target}{provider['baseURL']}",
        }
        for number in range(backends)
    ]
    backends_of_model = [
        {"credential": each["name"], "upstreamName": upstream_name, **bound} for each in credentials
    ]
    price = {"input": "2.5", "output": "10"}
    model = {"name": MODEL, "backends": backends_of_model, "metadata": {"price": price}}
    clients = [client(name) for name in TEAMS[: 0 if anonymous else None]]
    secrets = {"upstream": "sk-upstream", **{name: f"sk-{name}" for name in TEAMS}, TEAMS[0]: KEY}
    auth: dict[str, Any] = {
        "anonymous": "Allow" if anonymous else "Deny",
        "groups": [{"name": "everybody", "limits": PLENTY}],
        "clients": clients,
    }
    spec = {"credentials": credentials, "models": [model], "auth": auth}
    return "\n---\n".join(
        json.dumps(document)
        for document in (
            {
                "apiVersion": "airouter.dev/v1alpha1",
                "kind": "RouterConfig",
                "metadata": {"name": "bench"},
                "spec": spec,
            },
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "keys"},
                "stringData": secrets,
            },
        )
    )


@contextlib.contextmanager
def router(
    folder: Path,
    target: int,
    *,
    backends: int = 4,
    anonymous: bool = False,
    environment: Mapping[str, str] | None = None,
    provider: Mapping[str, Any] = COMPATIBLE,
) -> Iterator[Running]:
    """A router in front of an upstream; its access log is off, as nginx's is."""
    port = free_port()
    config = folder / f"router{port}.yaml"
    config.write_text(manifest(target, backends=backends, anonymous=anonymous, provider=provider))
    command = python("airouter", "serve", "-f", config, "--port", port, "--log-level", "warning")
    settings = {"AIROUTER_ACCESS_LOG": "false", **(environment or {})}
    log = folder / f"router{port}.log"
    with running(command, port, core=SERVER_CORE, log=log, **settings) as started:
        yield started
