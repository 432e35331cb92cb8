"""Who reaches the routers, and how many there are."""

from __future__ import annotations

from typing import Any

import pytest

from chart.rendering import NAME, Object, of_kind, only, operator, pod_templates, render, router

DNS = [{"port": p, "protocol": protocol} for p in (53, 5353) for protocol in ("UDP", "TCP")]
POLICIES = {
    "router.networkPolicy.enabled": True,
    "operator.networkPolicy.enabled": True,
}


def policy(part: str, ci: str = "default", **values: Any) -> Object:
    """The rules of a part's NetworkPolicy."""
    found = only("NetworkPolicy", render(ci, {**POLICIES, **values}), part)
    spec: Object = found["spec"]
    assert sorted(spec["policyTypes"]) == ["Egress", "Ingress"]
    return spec


def ports(rules: list[Object]) -> list[list[int]]:
    return [[port["port"] for port in rule["ports"]] for rule in rules]


def test_there_is_no_network_policy_until_it_is_wanted() -> None:
    assert of_kind("NetworkPolicy", render()) == []


def test_everybody_may_call_a_router_and_only_on_its_port() -> None:
    (rule,) = policy("router")["ingress"]
    assert rule == {"ports": [{"port": 8080}]}


def test_callers_can_be_chosen() -> None:
    (rule,) = policy("router", "everything-on")["ingress"]
    assert [peer.keys() for peer in rule["from"]] == [{"namespaceSelector"}]


def test_a_router_reaches_providers_dns_and_the_operator() -> None:
    providers, dns, stream = policy("router")["egress"]
    assert providers == {"ports": [{"port": 443}]}
    assert dns == {"ports": DNS}
    assert ports([stream]) == [[8443]]
    assert chosen(stream["to"]) == [operator(render())["metadata"]["labels"]]


def test_a_router_reaches_what_else_it_is_told_to() -> None:
    rules = policy("router", "everything-on")["egress"]
    assert ports(rules) == [[443, 8000, 11434], [53, 53, 5353, 5353], [8443], [4317], [6379]]


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [
        ("http://collector:4318", 4318),
        ("https://otel.example.com/v1", 443),
        ("http://[::1]:55681/x", 55681),
        ("http://[fd00::1]", 80),
    ],
)
def test_a_router_reaches_the_collector(endpoint: str, port: int) -> None:
    rules = policy("router", **{"telemetry.otlp.endpoint": endpoint})["egress"]
    assert ports(rules)[-1] == [port]


def test_routers_reach_the_operator_and_anybody_its_health() -> None:
    stream, health = policy("operator")["ingress"]
    assert ports([stream, health]) == [[8443], [8081]]
    assert chosen(stream["from"]) == [router(render())["metadata"]["labels"]]
    assert "from" not in health


def test_sidecars_reach_the_operator_if_it_is_told_so() -> None:
    stream, _ = policy("operator", "operator-only")["ingress"]
    assert {"podSelector": {"matchLabels": {"airouter-sidecar": "true"}}} in stream["from"]


def test_the_operator_reaches_the_api_server_and_dns() -> None:
    api_server, dns = policy("operator")["egress"]
    assert api_server == {"ports": [{"port": 443}, {"port": 6443}]}
    assert dns == {"ports": DNS}


def chosen(peers: list[Object]) -> list[dict[str, str]]:
    """The labels of the pods of the default values that the peers let through, in any namespace."""
    (peer,) = peers
    assert peer["namespaceSelector"] == {}
    wanted = peer["podSelector"]["matchLabels"].items()
    labels = [template["metadata"]["labels"] for template in pod_templates(render())]
    return [found for found in labels if wanted <= found.items()]


def test_the_service_leads_to_the_port_of_the_pods() -> None:
    (port,) = only("Service", render(), "router")["spec"]["ports"]
    names = [p["name"] for p in router(render())["spec"]["containers"][0]["ports"]]
    assert (port["port"], port["targetPort"] in names) == (80, True)


def test_a_service_may_be_a_load_balancer_of_a_class() -> None:
    spec = only("Service", render("load-balancer"), "router")["spec"]
    assert (spec["type"], spec["loadBalancerClass"]) == ("LoadBalancer", "service.k8s.aws/nlb")
    assert spec["externalTrafficPolicy"] == "Local"


@pytest.mark.parametrize("part", ["router", "operator"])
def test_a_service_may_have_both_families_of_addresses(part: str) -> None:
    given = {"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv6", "IPv4"]}
    values = {f"{part}.service.{name}": value for name, value in given.items()}
    spec = only("Service", render(values=values), part)["spec"]
    assert {name: spec[name] for name in given} == given
    assert not given.keys() & only("Service", render(), part)["spec"].keys()


def test_an_ingress_leads_to_the_service_and_does_not_buffer() -> None:
    objects = render("everything-on")
    found, service = only("Ingress", objects), only("Service", objects, "router")
    (rule,) = found["spec"]["rules"]
    assert rule["host"] == "llm.example.com"
    for path in rule["http"]["paths"]:
        assert path["backend"]["service"] == {
            "name": service["metadata"]["name"],
            "port": {"name": service["spec"]["ports"][0]["name"]},
        }
    annotations = found["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/proxy-buffering"] == "off"


def test_an_ingress_without_a_host_takes_every_host() -> None:
    (rule,) = only("Ingress", render(values={"router.ingress.enabled": True}))["spec"]["rules"]
    assert rule.keys() == {"http"}


def test_a_route_leads_to_the_service_and_has_no_timeout() -> None:
    objects = render("everything-on", {"router.httpRoute.paths": ["/v1", "/docs"]})
    (rule,) = only("HTTPRoute", objects)["spec"]["rules"]
    service = only("Service", objects, "router")
    port = service["spec"]["ports"][0]["port"]
    backend = {"group": "", "kind": "Service", "name": service["metadata"]["name"], "port": port}
    assert rule["backendRefs"] == [{**backend, "weight": 1}]
    assert rule["timeouts"] == {"request": "0s", "backendRequest": "0s"}
    assert [match["path"]["value"] for match in rule["matches"]] == ["/v1", "/docs"]


def test_a_route_says_all_that_the_api_server_would_fill_in() -> None:
    given = [{"name": "public"}, {"name": "mesh", "kind": "Service", "group": "", "port": 80}]
    spec = only("HTTPRoute", render("everything-on", {"router.httpRoute.parentRefs": given}))[
        "spec"
    ]
    assert spec["parentRefs"] == [
        {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public"},
        given[1],
    ]
    for match in spec["rules"][0]["matches"]:
        assert match["path"].keys() == {"type", "value"}


@pytest.mark.parametrize("ci", ["router-only", "demo"])
def test_a_single_router_can_be_evicted(ci: str) -> None:
    assert of_kind("PodDisruptionBudget", render(ci)) == []


def test_a_budget_has_one_of_its_two_bounds() -> None:
    assert budget() == {"maxUnavailable": 1}
    assert budget(minAvailable=1) == {"minAvailable": 1}
    assert budget(minAvailable=0) == {"minAvailable": 0}
    assert budget(minAvailable="50%", maxUnavailable="25%") == {"minAvailable": "50%"}


def budget(**values: Any) -> Object:
    given = {f"router.podDisruptionBudget.{name}": value for name, value in values.items()}
    spec = only("PodDisruptionBudget", render(values=given))["spec"]
    return {key: value for key, value in spec.items() if key.endswith("vailable")}


def test_an_autoscaler_sets_the_replicas_alone() -> None:
    objects = render("autoscaling")
    deployment, scaler = (
        only("Deployment", objects, "router"),
        only("HorizontalPodAutoscaler", objects),
    )
    assert "replicas" not in deployment["spec"]
    assert scaler["spec"]["scaleTargetRef"] == target(deployment)
    assert [metric["type"] for metric in scaler["spec"]["metrics"]] == ["Resource", "Pods"]


def test_keda_sets_the_replicas_alone_by_requests_in_flight() -> None:
    objects = render(values={"router.keda.enabled": True, "router.keda.serverAddress": "http://p"})
    assert "replicas" not in only("Deployment", objects, "router")["spec"]
    spec = only("ScaledObject", objects)["spec"]
    assert spec["scaleTargetRef"] == {"name": NAME}
    (trigger,) = spec["triggers"]
    pods = rf'pod=~"{NAME}-[^-]+-[^-]+"'
    assert (
        trigger["metadata"]["query"] == f'sum(airouter_requests_in_flight{{namespace="ai",{pods}}})'
    )


def target(found: Object) -> Object:
    return {
        "apiVersion": found["apiVersion"],
        "kind": found["kind"],
        "name": found["metadata"]["name"],
    }
