"""Values that meet by chance are taken by the API server, and what is installed does not drift."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from chart.rendering import CI, FOREIGN, RELEASE, Object, render
from chart.test_install import Site, apply, site
from support.kubernetes.apiserver import ApiServer

__all__ = ["site"]

BESIDE = {"name": "beside", "image": "example.com/beside:1"}
FEATURES: list[dict[str, Any]] = [
    {"router.enabled": False},
    {"operator.enabled": False},
    {"operator.watchNamespaces": ["*"]},
    {"operator.watchNamespaces": ["web", "batch"]},
    {"crds.install": False},
    {"crds.aggregateClusterRoles": False},
    {"demo.enabled": True, "demo.resources": {"limits": {"cpu": 1, "memory": "64Mi"}}},
    {"router.replicas": None, "router.topologySpread": "DoNotSchedule"},
    {"router.replicas": 1, "router.strategy.type": "Recreate"},
    {"router.autoscaling.enabled": True, "router.autoscaling.targetInFlight": 5},
    {"router.drain.preStopSeconds": 3, "router.podDisruptionBudget.minAvailable": "50%"},
    {"router.service.type": "LoadBalancer", "router.service.externalTrafficPolicy": "Local"},
    {"router.service.type": "NodePort", "router.service.nodePort": 30123},
    {"router.service.ipFamilyPolicy": "SingleStack", "router.service.ipFamilies": ["IPv4"]},
    {"operator.service.ipFamilyPolicy": "PreferDualStack"},
    {"router.initContainers": [BESIDE], "router.extraContainers": [{**BESIDE, "name": "b"}]},
    {"operator.initContainers": [BESIDE], "operator.extraContainers": [{**BESIDE, "name": "b"}]},
    {"router.deploymentAnnotations": {"a/b": "c"}, "operator.deploymentAnnotations": {"a/b": "1"}},
    {"router.extraVolumes": [{"name": "v", "emptyDir": {}}], "router.envFrom": []},
    {"router.extraVolumeMounts": [{"name": "tmp", "mountPath": "/var/tmp"}]},
    {"router.ingress.enabled": True, "router.ingress.hosts": ["a.example.com", "*.example.org"]},
    {"router.networkPolicy.enabled": True, "operator.networkPolicy.enabled": True},
    {"router.serviceAccount.create": False, "operator.serviceAccount.name": "mine"},
    {"operator.rbac.create": False, "commonLabels": {"team": "1"}},
    {"telemetry.otlp.endpoint": "https://c.example.com", "telemetry.otlp.protocol": "grpc"},
    {"metrics.dashboard.enabled": True, "metrics.serviceMonitor.enabled": True},
    {"router.image.digest": f"sha256:{'1' * 64}", "operator.image.digest": f"sha256:{'2' * 64}"},
    {"router.service.type": "LoadBalancer", "router.service.loadBalancerClass": "example.com/nlb"},
    {"operator.secrets.requireLabel": True, "operator.allowedHosts": ["*.example.com"]},
    {"operator.highAvailability": True, "operator.topologySpread": "DoNotSchedule"},
    {"router.extraEnv": [{"name": "HTTPS_PROXY", "value": "http://p:1"}], "operator.envFrom": []},
    {"operator.injector.enabled": True, "operator.injector.port": 10250},
    {
        "operator.certManager.enabled": True,
        "operator.certManager.issuerRef": {"kind": "ClusterIssuer", "name": "internal"},
    },
    {"fullnameOverride": "llm", "imagePullSecrets": [{"name": "registry"}]},
]
COMBINATIONS = range(40)


def combination(number: int) -> Object:
    """A third of the features, always the same for a number."""
    chosen = Random(number).sample(FEATURES, len(FEATURES) // 3)
    values = {path: value for feature in chosen for path, value in feature.items()}
    if values.get("router.service.type") != "LoadBalancer":
        values.pop("router.service.externalTrafficPolicy", None)
        values.pop("router.service.loadBalancerClass", None)
    if values.get("router.service.type") != "NodePort":
        values.pop("router.service.nodePort", None)
    return values


@pytest.mark.parametrize("number", COMBINATIONS)
def test_the_api_server_takes_any_combination_of_values(kubernetes: ApiServer, number: int) -> None:
    objects = [o for o in render(values=combination(number)) if o["kind"] not in FOREIGN]
    assert len(apply(kubernetes, objects)) == len(objects) if objects else True


def test_every_feature_is_in_some_combination() -> None:
    used = {path for number in COMBINATIONS for path in combination(number)}
    assert used == {path for feature in FEATURES for path in feature}


PLAIN = [ci for ci in CI if not {o["kind"] for o in render(ci)} & FOREIGN]


@pytest.mark.parametrize("ci", PLAIN)
def test_nothing_drifts_from_what_was_installed(site: Site, ci: str) -> None:
    """By the answer of a dry run, as Argo CD and Flux ask for it; kubectl fails if it differs."""
    site.upgrade(ci)
    manifest = site.helm("get", "manifest", RELEASE)
    how = ("--server-side", "--force-conflicts", "--field-manager=argocd-controller", "-f", "-")
    assert site.api.kubectl("diff", *how, input=manifest) == ""


@pytest.mark.parametrize("ci", ["default", "autoscaling", "ingress"])
def test_an_upgrade_with_the_same_values_changes_nothing(site: Site, ci: str) -> None:
    site.upgrade(ci)
    before = generations(site)
    site.upgrade(ci)
    assert generations(site) == before


def generations(site: Site) -> dict[str, int]:
    """What each object of the chart is, by its kind and name."""
    kinds = "deployments,services,serviceaccounts,roles,rolebindings,hpa,pdb,networkpolicies"
    found = site.get(f"{kinds},ingresses")["items"]
    return {
        f"{o['kind']}/{o['metadata']['name']}": o["metadata"].get("generation", 1) for o in found
    }
