"""Manifests for tests, as text."""

from __future__ import annotations

import json
from typing import Any

MASTER_KEY = "sk-test-master"


def manifest(
    credentials: list[dict[str, Any]],
    models: list[dict[str, Any]],
    *,
    secrets: dict[str, str] | None = None,
    **spec: Any,
) -> str:
    """A RouterConfig and its Secret `keys`, with a master key; JSON is YAML."""
    auth = {"masterKey": {"secretRef": {"name": "keys", "key": "master"}}}
    resource = {
        "apiVersion": "airouter.dev/v1alpha1",
        "kind": "RouterConfig",
        "metadata": {"name": "test"},
        "spec": {"credentials": credentials, "models": models, "auth": auth, **spec},
    }
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "keys"},
        "stringData": {"master": MASTER_KEY, **(secrets or {})},
    }
    return json.dumps(resource, indent=1) + "\n---\n" + json.dumps(secret, indent=1)


def mock_manifest(*names: str, **mock: Any) -> str:
    """Models that one Mock credential answers for."""
    credential = {"name": "mock", "type": "Mock", "mock": mock} if mock else MOCK
    return manifest(
        [credential], [{"name": name, "backends": [{"credential": "mock"}]} for name in names]
    )


MOCK: dict[str, Any] = {"name": "mock", "type": "Mock"}

TEAM = {"authorization": "Bearer sk-team"}
"""How the client of `team_manifest` shows its key."""


def team_manifest(
    redis_url: str, credential: dict[str, Any], backend: dict[str, Any], **client: Any
) -> str:
    """A model `m` of one credential, for a client whose limits replicas share by a Redis."""
    team = {"name": "team", "secretRef": {"name": "keys", "key": "team"}, **client}
    auth = {"masterKey": {"secretRef": {"name": "keys", "key": "master"}}, "clients": [team]}
    return manifest(
        [credential],
        [{"name": "m", "backends": [{"credential": credential["name"], **backend}]}],
        secrets={"team": "sk-team", "url": redis_url},
        auth=auth,
        redis={"urlSecretRef": {"name": "keys", "key": "url"}},
    )


def pod_names(*names: str) -> list[dict[str, str]]:
    """Environments of pods with these names."""
    return [{"AIROUTER_POD_NAME": name} for name in names]
