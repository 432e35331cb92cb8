"""Routers that the operator puts into pods, and who signs for its ports."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airouter_operator.injecting.webhook import PATH
from airouter_operator.settings import OperatorSettings
from chart.rendering import (
    NAME,
    NAMESPACE,
    HelmFailed,
    Object,
    container,
    environment,
    of_kind,
    only,
    operator,
    render,
)

WEBHOOKS = "MutatingWebhookConfiguration"
ON = {"operator.injector.enabled": True}
CERT_MANAGER = {
    "operator.certManager.enabled": True,
    "operator.certManager.issuerRef": {"kind": "ClusterIssuer", "name": "internal"},
}
INJECT = "airouter.dev/inject"


def told(values: dict[str, Any] | None = None, ci: str = "default") -> dict[str, Any]:
    """The variables of the operator, without their prefix."""
    found = environment(operator(render(ci, values)))
    return {name.removeprefix("AIROUTER_OPERATOR_"): value for name, value in found.items()}


def rules(values: dict[str, Any]) -> list[Object]:
    (role,) = (r for r in of_kind("ClusterRole", render(values=values), "operator"))
    found: list[Object] = role["rules"]
    return found


def test_nothing_is_put_into_pods_until_it_is_wanted() -> None:
    assert not of_kind(WEBHOOKS, render())
    assert not of_kind("ClusterRole", render(), "operator")
    assert not [name for name in told() if name.startswith(("INJECTOR", "TLS"))]


def test_the_api_server_asks_the_operator_and_no_pod_waits_for_it() -> None:
    objects = render("injector")
    service = only("Service", objects, "operator")
    port = operator(objects)["spec"]["containers"][0]["ports"][-1]
    for webhook in only(WEBHOOKS, objects)["webhooks"]:
        assert webhook["clientConfig"] == {
            "service": {
                "name": service["metadata"]["name"],
                "namespace": NAMESPACE,
                "port": port["containerPort"],
                "path": PATH,
            }
        }
        assert (webhook["failurePolicy"], webhook["sideEffects"]) == ("Ignore", "None")
        assert (webhook["reinvocationPolicy"], webhook["timeoutSeconds"]) == ("IfNeeded", 2)
    assert service["spec"]["ports"][-1]["targetPort"] == port["name"] == "injector"
    assert told(ci="injector")["INJECTOR_PORT"] == str(port["containerPort"]) == "10250"


@pytest.mark.parametrize(
    ("watch", "selected"),
    [
        ([], {"operator": "In", "values": [NAMESPACE]}),
        (["web", "batch"], {"operator": "In", "values": ["web", "batch"]}),
        (["*"], {"operator": "NotIn", "values": ["kube-system"]}),
    ],
)
def test_pods_are_asked_about_where_the_operator_watches(
    watch: list[str], selected: Object
) -> None:
    objects = render(values={**ON, "operator.watchNamespaces": watch})
    name = {"key": "kubernetes.io/metadata.name"}
    pods, namespaces = only(WEBHOOKS, objects)["webhooks"]
    assert pods["namespaceSelector"]["matchExpressions"] == [{**name, **selected}]
    label = {"key": INJECT, "operator": "Exists"}
    assert namespaces["namespaceSelector"]["matchExpressions"] == [{**name, **selected}, label]


def test_the_operator_may_touch_its_own_configuration_alone() -> None:
    name = only(WEBHOOKS, render(values=ON))["metadata"]["name"]
    assert told(ON)["INJECTOR_WEBHOOK"] == name == f"{NAME}-operator.{NAMESPACE}"
    own, labels = rules(ON)
    assert own["resourceNames"] == [name]
    assert own["resources"] == ["mutatingwebhookconfigurations"]
    assert own["verbs"] == ["list", "patch"]
    assert labels["resourceNames"] == [NAMESPACE]
    assert (labels["resources"], labels["verbs"]) == (["namespaces"], ["list"])


def test_routers_in_pods_are_of_the_version_of_the_release() -> None:
    objects = render(values=ON)
    image = container(only("Deployment", objects, "router")["spec"]["template"])["image"]
    assert told(ON)["INJECTOR_IMAGE"] == image
    settings = OperatorSettings.model_fields
    assert told(ON)["INJECTOR_ROUTER_PORT"] == str(settings["injector_router_port"].default)
    resources = json.loads(told(ON)["INJECTOR_RESOURCES"])
    assert resources == json.loads(settings["injector_resources"].default)
    assert json.loads(told(ci="injector")["INJECTOR_RESOURCES"])["requests"]["cpu"] == 1


def test_a_cluster_may_choose_the_user_of_routers_in_pods() -> None:
    assert told(ON)["INJECTOR_RUN_AS_USER"] == "65532"
    assert told({**ON, "podSecurityContext.runAsUser": None})["INJECTOR_RUN_AS_USER"] == "null"


def test_the_api_server_and_routers_in_pods_reach_the_operator() -> None:
    values = {**ON, "operator.networkPolicy.enabled": True}
    stream, webhook, _ = only("NetworkPolicy", render(values=values), "operator")["spec"]["ingress"]
    injected = {"key": "airouter.dev/injected", "operator": "Exists"}
    assert stream["from"][1]["podSelector"] == {"matchExpressions": [injected]}
    assert webhook == {"ports": [{"port": 9443}]}


def test_cert_manager_signs_for_the_host_that_pods_poll() -> None:
    objects = render(values={**ON, **CERT_MANAGER})
    certificate = only("Certificate", objects, "operator")["spec"]
    name = f"{NAME}-operator"
    assert certificate["issuerRef"] == {
        "group": "cert-manager.io",
        "kind": "ClusterIssuer",
        "name": "internal",
    }
    settings = OperatorSettings(namespace=NAMESPACE, service=name)
    assert certificate["dnsNames"] == settings.hosts
    template = operator(objects)
    (volume,) = (v for v in template["spec"]["volumes"] if v["name"] == "tls")
    assert volume["secret"] == {"secretName": certificate["secretName"]}
    (mount,) = (m for m in container(template)["volumeMounts"] if m["name"] == "tls")
    assert environment(template)["AIROUTER_OPERATOR_TLS_DIR"] == mount["mountPath"]


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"operator.certManager.enabled": True}, "issuerRef: name the issuer"),
        ({**ON, "operator.injector.port": 8443}, "injector.port: 8081 and 8443 are other ports"),
    ],
)
def test_what_cannot_work_is_refused(values: dict[str, Any], what: str) -> None:
    with pytest.raises(HelmFailed, match=what):
        render(values=values)
