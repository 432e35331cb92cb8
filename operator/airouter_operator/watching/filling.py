"""The mirror's filling: everything there is, listed before anything is reconciled half-known.

kopf can hold back events until all objects are indexed, but wakes each of them as each other one
is: with some thousands of RouterKeys, an operator would take minutes to begin.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from airouter_operator.kube.errors import KubeError, explain_failure
from airouter_operator.kube.objects import object_key
from airouter_operator.watching.cache import trimmed_metadata
from airouter_operator.watching.kinds import WHOLE, kinds_in

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from airouter_operator.kube.api import KubeApi
    from airouter_operator.kube.objects import Object
    from airouter_operator.watching.kinds import WatchedKind
    from airouter_operator.watching.mirror import Mirror

logger = logging.getLogger("airouter.operator")

AGAIN = 1.0
"""Seconds after which a list that failed is asked for again."""


async def fill(
    mirror: Mirror,
    kube: KubeApi,
    namespaces: Sequence[str | None],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Take in all objects that are watched, however often that has to be tried."""
    while True:
        try:
            await take_all(mirror, kube, namespaces)
        except KubeError as error:
            logger.warning("the mirror waits: %s", explain_failure("list what there is", error))
            await sleep(AGAIN)
        else:
            return


async def take_all(mirror: Mirror, kube: KubeApi, namespaces: Sequence[str | None]) -> None:
    """Take in all objects that are watched: as watches report them. Raises `KubeError`."""
    for kind in kinds_in(namespaces):
        for namespace in namespaces:
            path, by_metadata = kind.path(namespace), kind not in WHOLE
            async for body in kube.each(path, metadata_only=by_metadata, fields=kind.selector):
                take(mirror, kind, body)


def take(mirror: Mirror, kind: WatchedKind, body: Object) -> None:
    """Take in an object; one that has other fields than its kind holds up no other."""
    key = object_key(body)
    body["metadata"] = trimmed_metadata(body["metadata"])
    try:
        mirror.notice(kind, key, body)
    except Exception as error:  # noqa: BLE001 - kopf, too, goes on whatever fails at one object
        # The message may quote it; the type does not.
        logger.warning("%s %s cannot be read: %s", kind, key, type(error).__name__)
