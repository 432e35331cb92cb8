"""Our CustomResourceDefinition on an API server."""

from __future__ import annotations

import time
from pathlib import Path

from support.kubernetes.apiserver import ApiServer

CRDS = Path(__file__).parents[3] / "manifests" / "crds"
SERVED = "/apis/airouter.dev/v1alpha1"
ESTABLISHING = DELETING = 120.0
CRD_NAMES = ("crd/routerconfigs.airouter.dev", "crd/routerkeys.airouter.dev")


def install_crd(api: ApiServer) -> None:
    """Apply it, and wait until it is served."""
    api.kubectl("apply", "--server-side", "-f", str(CRDS))
    deadline = time.monotonic() + ESTABLISHING
    while "routerconfigs/status" not in api.kubectl("get", "--raw", SERVED, check=False):
        if time.monotonic() > deadline:
            raise TimeoutError("the CRD is not served")
        time.sleep(0.05)


def remove_crds(api: ApiServer) -> None:
    """Delete all of ours, and wait until they are gone.

    While the storage of a kind begins, its deletion fails, and the API server's second try may lose
    a race with its own note of that; it looks again only when the CRD changes.
    """
    deadline = time.monotonic() + DELETING
    api.kubectl("delete", *CRD_NAMES, "--ignore-not-found", "--wait=false")
    while left := api.kubectl("get", *CRD_NAMES, "--ignore-not-found", "-o", "name").split():
        if time.monotonic() > deadline:
            raise TimeoutError(f"still there: {left}")
        for each in left:
            note = f"airouter.dev/looked-at={time.monotonic()}"
            api.kubectl("annotate", each, note, "--overwrite", check=False)
        time.sleep(0.5)
