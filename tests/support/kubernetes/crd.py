"""Our CustomResourceDefinition on an API server."""

from __future__ import annotations

import time
from pathlib import Path

from support.kubernetes.apiserver import ApiServer

CRDS = Path(__file__).parents[3] / "manifests" / "crds"
SERVED = "/apis/airouter.dev/v1alpha1"
ESTABLISHING = 20.0


def install_crd(api: ApiServer) -> None:
    """Apply it, and wait until it is served."""
    api.kubectl("apply", "--server-side", "-f", str(CRDS))
    deadline = time.monotonic() + ESTABLISHING
    while "routerconfigs/status" not in api.kubectl("get", "--raw", SERVED, check=False):
        if time.monotonic() > deadline:
            raise TimeoutError("the CRD is not served")
        time.sleep(0.05)
