"""A cluster, asked by the reader's own `kubectl`: its contexts and rights are theirs."""

import json
import subprocess
from collections.abc import Iterable
from typing import Any

from airouter.config.manifest import ManifestFile

TIMEOUT = 30.0


class KubectlError(Exception):
    """A call of kubectl that failed; the text is kubectl's own and its remedy."""


def kubectl(*arguments: str, context: str | None = None, namespace: str | None = None) -> str:
    """Run kubectl and return what it prints. Raises `KubectlError`."""
    command = ["kubectl", *arguments]
    command += ["--context", context] if context else []
    command += ["--namespace", namespace] if namespace else []
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the arguments are its owner's
            command, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    except FileNotFoundError:
        raise KubectlError("kubectl is not installed (fix: install it, or use files)") from None
    except subprocess.TimeoutExpired:
        raise KubectlError(f"kubectl did not answer within {TIMEOUT:g} s") from None
    if done.returncode:
        raise KubectlError(f"kubectl: {done.stderr.strip() or done.returncode}")
    return done.stdout


def cluster_secrets(
    names: Iterable[str], context: str | None, namespace: str | None
) -> list[ManifestFile]:
    """Return Secrets of a cluster as manifests; one that is not there is none of them.

    Raises `KubectlError`.
    """
    wanted = sorted(names)
    if not wanted:
        return []
    arguments = ("get", "secret", *wanted, "--ignore-not-found", "--output", "json")
    answer = kubectl(*arguments, context=context, namespace=namespace)
    found = json.loads(answer) if answer.strip() else {"items": []}
    items = found.get("items", [found])  # one Secret comes without a list
    return [
        ManifestFile(f"secret/{each['metadata']['name']}", json.dumps(plain_secret(each)).encode())
        for each in items
    ]


def plain_secret(secret: dict[str, Any]) -> dict[str, Any]:
    """Return a Secret without what the API server has added."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": secret["metadata"]["name"]},
        "data": secret.get("data") or {},
    }
