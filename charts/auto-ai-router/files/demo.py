"""Applies the RouterConfig of the demo once its kind is there, owned by the Job's ServiceAccount.

Helm cannot: it looks kinds up before it has created their CRD, and a hook comes too soon after.
With its owner, which is Helm's, the RouterConfig ends when the demo is switched off.
"""  # noqa: INP001 - it runs on its own

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ACCOUNT = Path(os.environ.get("ACCOUNT", "/var/run/secrets/kubernetes.io/serviceaccount"))
API_SERVER = os.environ.get("API_SERVER", "https://kubernetes.default.svc")
PATIENCE = 300.0
APPLY = "?fieldManager=airouter-demo&force=true"
"""Server-side apply, under a name that people find in `metadata.managedFields`."""


def ask(path: str, body: bytes | None = None) -> bytes:
    """Ask the API server once; a body is applied."""
    request = urllib.request.Request(  # noqa: S310 - always https
        API_SERVER + path,
        body,
        {
            "authorization": f"Bearer {(ACCOUNT / 'token').read_text().strip()}",
            "content-type": "application/apply-patch+yaml",
        },
        method="PATCH" if body else "GET",
    )
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, context=context, timeout=10) as answer:  # noqa: S310
        found: bytes = answer.read()
        return found


def apply(manifest: str, namespace: str, account: str) -> None:
    """Apply the RouterConfig of a manifest (JSON), owned by a ServiceAccount."""
    config = json.loads(manifest)
    metadata = config["metadata"]
    owner = json.loads(ask(f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}"))["metadata"]
    metadata["ownerReferences"] = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "name": account, "uid": owner["uid"]}
    ]
    path = f"/apis/airouter.dev/v1alpha1/namespaces/{namespace}/routerconfigs/{metadata['name']}"
    ask(path + APPLY, json.dumps(config).encode())


def main() -> None:
    """Ask until it is there."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return apply(*map(os.environ.__getitem__, ("MANIFEST", "NAMESPACE", "SERVICE_ACCOUNT")))
        except urllib.error.HTTPError as error:
            problem = f"{error.code}: {error.read().decode()}"
        except OSError as error:
            problem = str(error)
        if time.monotonic() > deadline:
            sys.exit(problem)
        time.sleep(0.5)


main()
