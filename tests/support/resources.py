"""Kubernetes objects for tests, as `kubectl apply` takes them."""

from __future__ import annotations

from typing import Any

from support.config import MASTER_KEY

__all__ = ["MASTER_KEY", "routerconfig", "secret"]

Object = dict[str, Any]


def routerconfig(
    *credentials: Object, models: dict[str, str], name: str = "default", **spec: Any
) -> Object:
    """A RouterConfig with a master key in the Secret `keys`; `models` maps names to credentials."""
    auth = {"masterKey": {"secretRef": {"name": "keys", "key": "master"}}}
    return {
        "apiVersion": "airouter.dev/v1alpha1",
        "kind": "RouterConfig",
        "metadata": {"name": name},
        "spec": {
            "credentials": list(credentials),
            "models": [
                {"name": model, "backends": [{"credential": credential}]}
                for model, credential in models.items()
            ],
            "auth": auth,
            **spec,
        },
    }


def secret(name: str, **values: str) -> Object:
    """A Secret."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "stringData": values,
    }
