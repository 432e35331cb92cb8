"""The conditions of RouterConfigs as metrics, for alerts: as their status has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Gauge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter_operator.kube.objects import ObjectKey

TRUTHS = ("True", "False", "Unknown")


class ConditionMetrics:
    """`..._routerconfig_condition`: 1 for the status that a condition has, 0 for the others."""

    def __init__(self, registry: CollectorRegistry, prefix: str) -> None:
        self._gauge = Gauge(
            "routerconfig_condition",
            "Conditions of RouterConfigs: 1 for the status that one has, 0 for the others.",
            ["routerconfig_namespace", "routerconfig", "type", "status"],
            namespace=prefix,
            registry=registry,
        )
        self._shown: dict[ObjectKey, Mapping[str, str]] = {}

    def show(self, key: ObjectKey, conditions: Mapping[str, str]) -> None:
        """Show the status of each condition of a RouterConfig, by its type, and no other."""
        before = self._shown.pop(key, {})
        for type_ in before.keys() - conditions.keys():
            for truth in TRUTHS:
                self._gauge.remove(*key, type_, truth)
        for type_, status in conditions.items():
            for truth in TRUTHS:
                self._gauge.labels(*key, type_, truth).set(status == truth)
        if conditions:
            self._shown[key] = conditions

    def clear(self) -> None:
        """Show no conditions."""
        self._gauge.clear()
        self._shown.clear()
