"""What keeps the operator from working, in words that say what would help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter_operator.kube import (
    CONFIGS,
    DISCOVERY,
    GROUP,
    Kube,
    KubeError,
    configs_in,
    secrets_in,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_DISCOVERED = "the API server does not list RouterConfigs among its resources yet"


async def reading_obstacle(kube: Kube, namespaces: Sequence[str | None], home: str) -> str:
    """What keeps from reading what is worked on; empty if nothing does.

    `home` is the operator's own namespace.
    """
    paths = [path(each) for each in namespaces for path in (configs_in, secrets_in)]
    for path in (*paths, secrets_in(home)):
        try:
            await kube.list(path, metadata_only=True)
        except KubeError as error:
            return obstacle(f"read {path}", error)
    try:
        return "" if await are_discovered(kube) else NOT_DISCOVERED
    except KubeError as error:
        return obstacle(f"read {DISCOVERY}", error)


async def are_discovered(kube: Kube) -> bool:
    """Whether RouterConfigs are where kopf looks for them, once: a moment after they are served."""
    groups = (await kube.get(DISCOVERY)).get("groups") or ()
    if GROUP not in (group["name"] for group in groups):
        return False
    resources = (await kube.get(CONFIGS)).get("resources") or ()
    return "routerconfigs" in (resource["name"] for resource in resources)


def obstacle(what: str, error: KubeError) -> str:
    """Why something cannot be done, and what would help."""
    if error.status == 404 and "routerconfigs" in str(error):
        return "the CustomResourceDefinition is not installed: kubectl apply -f manifests/crds"
    if error.status == 401:
        return f"the API server does not take the operator's token ({error})"
    if error.status == 403:
        return f"the ServiceAccount may not {what}: see manifests/install/rbac.yaml ({error})"
    return f"the API server does not do as it is asked: {error}"
