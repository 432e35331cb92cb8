"""Where upstreams are: Services of the cluster, as an operator knows them and without one."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.config.compile.places import ServicePort
from airouter.config.findings import Compiled
from airouter.config.trust import ANYTHING, Trust
from support.manifests import compiled, credential

PODS = ("10.0.0.7:8080", "10.0.0.8:8080")
VLLM = {
    ("default", "vllm"): {
        8000: ServicePort("http", PODS),
        8443: ServicePort("https", PODS),
        9000: ServicePort("http", ()),
    },
    ("models", "gone"): None,
}
FIELD = "spec.credentials[name=main].service"


def used(known: bool = True, trust: Trust = ANYTHING, **service: Any) -> Compiled:
    """What becomes of a credential whose pods are behind a Service."""
    declared = credential(baseURL=None, service={"name": "vllm", "port": 8000, **service})
    services = VLLM if known else None
    return compiled(credentials=[declared], services=services, trust=trust)


def place(found: Compiled) -> tuple[str | None, tuple[str, ...] | None]:
    assert found.snapshot is not None
    (only,) = found.snapshot.credentials
    return only.base_url, only.addresses


def refusal(found: Compiled) -> tuple[str, str]:
    """The only error about the credential, and its reason."""
    assert found.snapshot is not None
    assert found.snapshot.credentials == ()
    (error,) = (each for each in found.findings if each.field.startswith(FIELD))
    return str(error).removeprefix("error: "), error.reason


def test_a_service_is_asked_at_the_pods_that_are_ready_and_by_its_own_name() -> None:
    assert place(used()) == ("http://vllm.default.svc:8000/v1", PODS)


def test_a_service_is_asked_by_its_name_in_dns_where_nobody_knows_its_pods() -> None:
    found = used(known=False, namespace="models", path="/openai/v1")
    assert place(found) == ("http://vllm.models.svc:8000/openai/v1", None)


def test_a_port_says_by_its_protocol_that_it_takes_tls_unless_the_credential_does() -> None:
    assert place(used(port=8443))[0] == "https://vllm.default.svc:8443/v1"
    assert place(used(port=8443, scheme="http"))[0] == "http://vllm.default.svc:8443/v1"
    assert place(used(known=False, scheme="https"))[0] == "https://vllm.default.svc:8000/v1"


@pytest.mark.parametrize(
    ("service", "said", "reason"),
    [
        (
            {"port": 9000},
            ": no pod of Service 'vllm' is ready"
            " (fix: start its pods, or see why they are not ready; an ExternalName has none, so use"
            " baseURL in place of it)",
            "NoReadyEndpoints",
        ),
        (
            {"name": "gone", "namespace": "models"},
            ": there is no Service 'gone' in namespace 'models' (fix: create it)",
            "ServiceNotFound",
        ),
        (
            {"port": 80},
            ".port: Service 'vllm' has no such port (fix: use one of: 8000, 8443, 9000)",
            "ServiceNotFound",
        ),
        (
            {"namespace": "theirs"},
            ": is in namespace 'theirs', which the operator does not watch"
            " (fix: use another namespace, or have operator.watchNamespaces extended)",
            "NamespaceNotWatched",
        ),
    ],
)
def test_a_service_that_cannot_be_asked_is_left_out_with_its_remedy(
    service: dict[str, Any], said: str, reason: str
) -> None:
    assert refusal(used(**service)) == (FIELD + said, reason)


def test_a_key_is_sent_to_the_services_that_are_allowed_alone() -> None:
    allowed = Trust(allowed_hosts=("*.default.svc",))
    assert place(used(trust=allowed))[1] == PODS
    found, reason = refusal(used(trust=Trust(allowed_hosts=("*.openai.com",))))
    assert found.startswith(f"{FIELD}: is at a host that the operator does not allow")
    assert reason == "HostNotAllowed"


def test_a_service_stands_in_place_of_a_base_url() -> None:
    declared = credential(service={"name": "vllm", "port": 8000})
    both = compiled(credentials=[declared])
    assert f"{FIELD}: stands in place of baseURL (fix: remove one of the two)" in "\n".join(
        map(str, both.findings)
    )


POOLS = {("default", "qwen"): PODS, ("default", "resting"): (), ("models", "gone"): None}


def pooled(known: bool = True, trust: Trust = ANYTHING, **pool: Any) -> Compiled:
    """What becomes of a credential whose pods are in an InferencePool."""
    declared = credential(baseURL=None, inferencePool={"name": "qwen", **pool})
    return compiled(credentials=[declared], pools=POOLS if known else None, trust=trust)


def test_an_inference_pool_is_asked_at_the_pods_that_are_ready() -> None:
    assert place(pooled()) == ("http://qwen.default.inferencepool.invalid/v1", PODS)


def test_a_warning_says_that_an_inference_pool_needs_an_operator() -> None:
    found = pooled(known=False)
    assert place(found)[1] is None
    assert any("that an operator knows" in str(each) for each in found.findings)


@pytest.mark.parametrize(
    ("pool", "trust", "reason"),
    [
        ({"name": "resting"}, ANYTHING, "NoReadyEndpoints"),
        ({"name": "gone", "namespace": "models"}, ANYTHING, "InferencePoolNotFound"),
        ({"namespace": "elsewhere"}, ANYTHING, "NamespaceNotWatched"),
        ({}, Trust(allowed_hosts=("*.svc",)), "HostNotAllowed"),
    ],
)
def test_an_inference_pool_that_cannot_be_asked_takes_its_credential_out(
    pool: dict[str, Any], trust: Trust, reason: str
) -> None:
    found = pooled(trust=trust, **pool)
    assert found.snapshot is not None
    assert found.snapshot.credentials == ()
    assert reason in {each.reason for each in found.findings}


def test_an_inference_pool_stands_in_place_of_a_service() -> None:
    service = {"name": "vllm", "port": 8000}
    both = compiled(credentials=[credential(service=service, inferencePool={"name": "qwen"})])
    told = "\n".join(map(str, both.findings))
    assert f"{FIELD}: stands in place of baseURL (fix: remove one of the two)" in told
    assert "inferencePool: stands in place of baseURL (fix: remove one of the two)" in told
