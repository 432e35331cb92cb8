"""Creates the RouterConfig of the demo once its kind is there, and leaves one alone that exists.

Helm cannot: it looks kinds up before it has created their CRD, and a hook comes too soon after.
"""  # noqa: INP001 - it runs on its own

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


def create(manifest: str, namespace: str) -> None:
    """Ask the API server once."""
    request = urllib.request.Request(  # noqa: S310 - always https
        f"{API_SERVER}/apis/airouter.dev/v1alpha1/namespaces/{namespace}/routerconfigs",
        manifest.encode(),
        {
            "authorization": f"Bearer {(ACCOUNT / 'token').read_text().strip()}",
            "content-type": "application/yaml",
        },
    )
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    urllib.request.urlopen(request, context=context, timeout=10).close()  # noqa: S310


def main() -> None:
    """Ask until it is there."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return create(os.environ["MANIFEST"], os.environ["NAMESPACE"])
        except urllib.error.HTTPError as error:
            if error.code == 409:
                return None
            problem = f"{error.code}: {error.read().decode()}"
        except OSError as error:
            problem = str(error)
        if time.monotonic() > deadline:
            sys.exit(problem)
        time.sleep(0.5)


main()
