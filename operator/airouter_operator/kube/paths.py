"""Paths of the API server: where each kind of object is listed, and where one object is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.config.resource import API_VERSION

if TYPE_CHECKING:
    from airouter_operator.kube.objects import ObjectKey

GROUP, VERSION = API_VERSION.split("/")
DISCOVERY = "/apis"
CONFIGS = f"/apis/{API_VERSION}"
CORE = "/api/v1"
LEASES = "/apis/coordination.k8s.io/v1"
DISCOVERED_ENDPOINTS = "/apis/discovery.k8s.io/v1"
INFERENCE_POOLS = "/apis/inference.networking.k8s.io/v1"
EVENTS = "/apis/events.k8s.io/v1"
ISSUER_DISCOVERY = "/.well-known/openid-configuration"
ISSUER_KEYS = "/openid/v1/jwks"
MUTATING_WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"


def configs_in(namespace: str | None) -> str:
    """Return the path of the RouterConfigs of a namespace, or of the cluster."""
    return f"{CONFIGS}{scope(namespace)}/routerconfigs"


def status_at(key: ObjectKey) -> str:
    """Return the path of the status of a RouterConfig."""
    return f"{configs_in(key.namespace)}/{key.name}/status"


def router_keys_in(namespace: str | None) -> str:
    """Return the path of the RouterKeys of a namespace, or of the cluster."""
    return f"{CONFIGS}{scope(namespace)}/routerkeys"


def router_key_at(key: ObjectKey) -> str:
    """Return the path of one RouterKey."""
    return f"{router_keys_in(key.namespace)}/{key.name}"


def router_key_status_at(key: ObjectKey) -> str:
    """Return the path of the status of a RouterKey."""
    return f"{router_key_at(key)}/status"


def namespaces_in(_: str | None) -> str:
    """Return the path of the Namespaces, which are in none themselves."""
    return f"{CORE}/namespaces"


def secrets_in(namespace: str | None) -> str:
    """Return the path of the Secrets of a namespace, or of the cluster."""
    return f"{CORE}{scope(namespace)}/secrets"


def secret_at(key: ObjectKey) -> str:
    """Return the path of one Secret."""
    return f"{secrets_in(key.namespace)}/{key.name}"


def leases_in(namespace: str) -> str:
    """Return the path of the Leases of a namespace."""
    return f"{LEASES}{scope(namespace)}/leases"


def lease_at(key: ObjectKey) -> str:
    """Return the path of one Lease."""
    return f"{leases_in(key.namespace)}/{key.name}"


def services_in(namespace: str | None) -> str:
    """Return the path of the Services of a namespace, or of the cluster."""
    return f"{CORE}{scope(namespace)}/services"


def endpoint_slices_in(namespace: str | None) -> str:
    """Return the path of the EndpointSlices of a namespace, or of the cluster."""
    return f"{DISCOVERED_ENDPOINTS}{scope(namespace)}/endpointslices"


def pods_in(namespace: str | None) -> str:
    """Return the path of the Pods of a namespace, or of the cluster."""
    return f"{CORE}{scope(namespace)}/pods"


def inference_pools_in(namespace: str | None) -> str:
    """Return the path of the InferencePools of a namespace, or of the cluster."""
    return f"{INFERENCE_POOLS}{scope(namespace)}/inferencepools"


def events_in(namespace: str | None) -> str:
    """Return the path of the Events of a namespace, or of the cluster."""
    return f"{EVENTS}{scope(namespace)}/events"


def mutating_webhook_at(name: str) -> str:
    """Return the path of one MutatingWebhookConfiguration, which is in no namespace."""
    return f"{MUTATING_WEBHOOKS}/{name}"


def scope(namespace: str | None) -> str:
    """Return the part of a path that names a namespace; empty for the whole cluster."""
    return "" if namespace is None else f"/namespaces/{namespace}"
