"""The preflight: before kopf starts, everything that the operator needs has to be there.

kopf looks for RouterConfigs once and ends where it may not read them. So the operator waits until
it can read what it watches and write its certificate authority, and says what is missing.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from airouter_operator.kube.errors import OWN_KINDS, KubeError, explain_failure
from airouter_operator.kube.paths import CONFIGS, DISCOVERY, GROUP, secrets_in
from airouter_operator.leading.authority import NAME as AUTHORITY
from airouter_operator.leading.stream_tls import NotIssued
from airouter_operator.watching.kinds import kinds_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter_operator.kube.api import KubeApi
    from airouter_operator.leading.stream_tls import StreamTls

logger = logging.getLogger("airouter.operator")

RETRY = 3.0
NOT_DISCOVERED = "the API server does not list RouterConfigs and RouterKeys yet"


async def wait_until_clear(
    kube: KubeApi, certificates: StreamTls, namespaces: Sequence[str | None], home: str
) -> None:
    """Return once nothing is missing, and log what is: once for each reason."""
    logged = ""
    while found := await obstacle(kube, certificates, namespaces, home):
        if found != logged:
            logger.error("%s; waiting for it", found)
            logged = found
        await asyncio.sleep(RETRY)


async def obstacle(
    kube: KubeApi, certificates: StreamTls, namespaces: Sequence[str | None], home: str
) -> str:
    """Return what keeps the operator from working, and what would help; empty if nothing does."""
    found = await reading_obstacle(kube, namespaces, home)
    if found:
        return found
    try:
        await certificates.refresh()
    except KubeError as error:
        return explain_failure(f"write Secret {AUTHORITY}", error)
    except NotIssued as error:
        return str(error)
    return ""


async def reading_obstacle(kube: KubeApi, namespaces: Sequence[str | None], home: str) -> str:
    """Return what keeps the operator from reading what it works on; empty if nothing does.

    `home` is the operator's own namespace.
    """
    paths = [kind.path(each) for each in namespaces for kind in kinds_in(namespaces)]
    for path in (*paths, secrets_in(home)):
        try:
            async for _ in kube.each(path, metadata_only=True):
                break
        except KubeError as error:
            return explain_failure(f"read {path}", error)
    try:
        return "" if await are_discovered(kube) else NOT_DISCOVERED
    except KubeError as error:
        return explain_failure(f"read {DISCOVERY}", error)


async def are_discovered(kube: KubeApi) -> bool:
    """Return whether our kinds are among the resources that the API server lists."""
    # kopf looks there, once. The list follows a moment after the objects themselves are served.
    groups = (await kube.get(DISCOVERY)).get("groups") or ()
    if GROUP not in (group["name"] for group in groups):
        return False
    resources = (await kube.get(CONFIGS)).get("resources") or ()
    return {resource["name"] for resource in resources}.issuperset(OWN_KINDS)
