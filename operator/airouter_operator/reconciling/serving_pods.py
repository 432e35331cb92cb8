"""The pods that serve a RouterConfig, as the EndpointSlices of its Services have them.

A pod that serves and is not connected runs an older configuration, and nobody but Kubernetes knows
of it. A Service says by a label which RouterConfig its pods serve, and Kubernetes copies the label
to the EndpointSlices. They are asked for when a status is due: a watch would hold all of them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airouter_operator.kube.errors import KubeError, NotFound
from airouter_operator.kube.paths import endpoint_slices_in
from airouter_operator.reconciling.endpoints import is_ready

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter_operator.kube.api import KubeApi
    from airouter_operator.kube.objects import Object, ObjectKey

logger = logging.getLogger("airouter.operator")

LABEL = "airouter.dev/config"
LONGEST_VALUE = 63
"""Characters of a label's value. A RouterConfig may have a longer name."""
FORBIDDEN = 403


class ServingPods:
    """Asks for the pods that serve, where the operator has the right to."""

    def __init__(self, kube: KubeApi) -> None:
        self._kube = kube
        self._told = False

    async def of(self, config: ObjectKey) -> frozenset[str] | None:
        """Return the names of the pods that get requests; None where that is not known.

        Raises `KubeError`.
        """
        if len(config.name) > LONGEST_VALUE:
            return None
        labels = f"{LABEL}={config.name}"
        path = endpoint_slices_in(config.namespace)
        try:
            slices = [each async for each in self._kube.each(path, labels=labels)]
        except NotFound:
            return None
        except KubeError as error:
            if error.status != FORBIDDEN:
                raise
            self._tell(path)
            return None
        return frozenset(name for each in slices for name in ready_pods(each)) if slices else None

    def _tell(self, path: str) -> None:
        if not self._told:
            self._told = True
            logger.warning(
                "the ServiceAccount may not list %s: Programmed is about connected pods alone", path
            )


def ready_pods(endpoint_slice: Object) -> Iterator[str]:
    """Yield the names of the pods of an EndpointSlice that get requests."""
    for endpoint in endpoint_slice.get("endpoints") or ():
        target = endpoint.get("targetRef") or {}
        if target.get("kind") == "Pod" and is_ready(endpoint):
            yield str(target.get("name", ""))
