"""The MutatingWebhookConfiguration: by it the API server knows the operator's webhook.

Whoever installs the operator writes it, with which pods it is about. The operator puts in nothing
but the authorities (`caBundle`) that the webhook's certificate is signed by, and keeps them right.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from typing import TYPE_CHECKING

from airouter_operator.kube.errors import KubeError, NotFound
from airouter_operator.kube.objects import ObjectKey
from airouter_operator.kube.paths import MUTATING_WEBHOOKS, mutating_webhook_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter_operator.kube.api import KubeApi
    from airouter_operator.kube.objects import Object

logger = logging.getLogger("airouter.operator")

REFRESH = 300.0
"""Seconds: an authority is trusted a day before it signs anything."""
RETRY = 5.0


class Registration:
    """Keeps the authorities in the webhook's configuration up to date."""

    def __init__(self, kube: KubeApi, name: str, bundle: Callable[[], str]) -> None:
        """Keep the MutatingWebhookConfiguration of that name trusting the `bundle` (PEM)."""
        self._kube = kube
        self._name = name
        self._bundle = bundle

    async def run(self) -> None:
        """Look after it until cancelled; what fails is logged once for each reason."""
        logged = ""
        while True:
            try:
                await self.refresh()
                problem, wait = "", REFRESH
            except KubeError as error:
                problem, wait = str(error), RETRY
            if problem and problem != logged:
                logger.warning("no router can be injected into pods: %s", problem)
            logged = problem
            await asyncio.sleep(wait)

    async def refresh(self) -> None:
        """Put the authorities in where they are not. Raises `KubeError`."""
        body = await self._kube.find(ObjectKey("", self._name), MUTATING_WEBHOOKS)
        if body is None:
            raise NotFound(f"there is no MutatingWebhookConfiguration {self._name}")
        bundle = base64.b64encode(self._bundle().encode()).decode()
        webhooks: list[Object] = body.get("webhooks") or []
        if any(each["clientConfig"].get("caBundle") != bundle for each in webhooks):
            trusting = [{"name": w["name"], "clientConfig": {"caBundle": bundle}} for w in webhooks]
            manifest: Object = {
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": "MutatingWebhookConfiguration",
                "metadata": {"name": self._name},
                "webhooks": trusting,
            }
            await self._kube.apply(mutating_webhook_at(self._name), manifest)
            logger.info("the API server trusts the webhook that puts routers into pods")
