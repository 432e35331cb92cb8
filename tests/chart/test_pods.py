"""What the pods are told, allowed and asked."""

from __future__ import annotations

import pytest

from airouter.settings import Settings as RouterSettings
from airouter_operator.settings import OperatorSettings
from chart.rendering import (
    CI,
    NAME,
    NAMESPACE,
    HelmFailed,
    Object,
    container,
    environment,
    of_kind,
    only,
    operator,
    pod_templates,
    render,
    router,
)

ROUTER_PORT = 8080
MARGIN = 10


@pytest.mark.parametrize("ci", CI)
def test_every_pod_keeps_to_the_restricted_standard(ci: str) -> None:
    for template in pod_templates(render(ci)):
        pod = template["spec"]
        assert pod["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        assert not [volume for volume in pod["volumes"] if "hostPath" in volume]
        for found in pod.get("initContainers", []) + pod["containers"]:
            assert found["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert "/tmp" in [mount["mountPath"] for mount in found["volumeMounts"]]


def test_a_cluster_may_choose_the_user_itself() -> None:
    """As OpenShift does."""
    template = router(render(values={"podSecurityContext.runAsUser": None}))
    assert "runAsUser" not in template["spec"]["securityContext"]
    assert template["spec"]["securityContext"]["runAsNonRoot"] is True


@pytest.mark.parametrize("ci", CI)
def test_every_pod_has_requests_a_memory_limit_and_its_own_account(ci: str) -> None:
    accounts = []
    for template in pod_templates(render(ci)):
        resources = container(template)["resources"]
        assert {"cpu", "memory"} == resources["requests"].keys()
        assert "memory" in resources["limits"]
        accounts.append(template["spec"]["serviceAccountName"])
    assert len(accounts) == len(set(accounts))


@pytest.mark.parametrize("ci", CI)
def test_services_never_become_settings(ci: str) -> None:
    """A Service named `airouter` would otherwise set AIROUTER_PORT to `tcp://...`."""
    assert all(t["spec"]["enableServiceLinks"] is False for t in pod_templates(render(ci)))


def test_routers_have_no_token() -> None:
    assert router(render())["spec"]["automountServiceAccountToken"] is False
    accounts = of_kind("ServiceAccount", render("demo"))
    assert len(accounts) == 3
    assert all(account["automountServiceAccountToken"] is False for account in accounts)
    assert operator(render())["spec"]["automountServiceAccountToken"] is True


@pytest.mark.parametrize("ci", ["default", "everything-on"])
def test_every_variable_is_a_setting(ci: str) -> None:
    objects = render(ci)
    for template, settings, prefix in (
        (router(objects), RouterSettings, "AIROUTER_"),
        (operator(objects), OperatorSettings, "AIROUTER_OPERATOR_"),
    ):
        given = [name for name in environment(template) if name.startswith(prefix)]
        known = {f"{prefix}{name.upper()}" for name in settings.model_fields}
        assert given
        assert set(given) <= known


@pytest.mark.parametrize("part", ["router", "operator"])
def test_no_variable_is_set_twice(part: str) -> None:
    own = environment({"router": router, "operator": operator}[part](render("everything-on")))
    for name in own.keys() - {"HTTPS_PROXY", "AIROUTER_OPERATOR_RESYNC"}:
        assert_refused(part, name)


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("router", "AIROUTER_HOST"),
        ("router", "AIROUTER_PORT"),
        ("operator", "AIROUTER_OPERATOR_STREAM_PORT"),
        ("operator", "AIROUTER_OPERATOR_HEALTH_PORT"),
    ],
)
def test_no_variable_leads_a_process_away_from_its_ports(part: str, name: str) -> None:
    assert_refused(part, name)


def assert_refused(part: str, name: str) -> None:
    with pytest.raises(HelmFailed, match=rf"{part}\.extraEnv: {name} follows from what else"):
        render("everything-on", {f"{part}.extraEnv": [{"name": name, "value": "1"}]})


def test_a_router_serves_the_mounted_snapshot() -> None:
    template = router(render("router-only"))
    found = container(template)
    arguments = found["args"]
    assert arguments[:3] == ["serve", "--snapshot-dir", "/etc/airouter"]
    assert arguments[arguments.index("--port") + 1] == str(ROUTER_PORT)
    assert [port["containerPort"] for port in found["ports"]] == [ROUTER_PORT]
    (mount,) = [m for m in found["volumeMounts"] if m["mountPath"] == "/etc/airouter"]
    assert "subPath" not in mount
    (volume,) = [v for v in template["spec"]["volumes"] if v["name"] == mount["name"]]
    assert volume["secret"] == {"secretName": "internal-snapshot", "optional": True}
    name = environment(template)["AIROUTER_POD_NAME"]
    assert name == {"fieldRef": {"fieldPath": "metadata.name"}}


def test_the_operator_knows_its_service_and_its_ports() -> None:
    objects = render()
    service = only("Service", objects, "operator")
    told = environment(operator(objects))
    assert told["AIROUTER_OPERATOR_SERVICE"] == service["metadata"]["name"] == f"{NAME}-operator"
    assert told["AIROUTER_OPERATOR_NAMESPACE"] == {
        "fieldRef": {"fieldPath": "metadata.namespace"},
    }
    fields = OperatorSettings.model_fields
    ports = [fields["stream_port"].default, fields["health_port"].default]
    assert [port["containerPort"] for port in container(operator(objects))["ports"]] == ports
    assert [port["port"] for port in service["spec"]["ports"]] == ports


@pytest.mark.parametrize(
    ("ci", "namespaces"),
    [
        ("default", (NAMESPACE,)),
        ("cluster-wide", ("*",)),
        ("namespaced-list", ("web", "batch")),
    ],
)
def test_the_operator_watches_what_it_has_rights_for(ci: str, namespaces: tuple[str, ...]) -> None:
    watch = environment(operator(render(ci)))["AIROUTER_OPERATOR_WATCH"]
    assert OperatorSettings(watch=watch, namespace=NAMESPACE).namespaces == namespaces


@pytest.mark.parametrize(
    ("part", "probe", "path"),
    [
        ("router", "startupProbe", "/health"),
        ("router", "readinessProbe", "/vhealth"),
        ("router", "livenessProbe", "/health"),
        ("operator", "startupProbe", "/healthz"),
        ("operator", "readinessProbe", "/readyz"),
        ("operator", "livenessProbe", "/healthz"),
    ],
)
def test_probes_ask_the_right_path_on_a_port_that_is_there(
    part: str, probe: str, path: str
) -> None:
    found = container({"router": router, "operator": operator}[part](render()))
    asked = found[probe]["httpGet"]
    assert asked["path"] == path
    assert asked["port"] in [port["name"] for port in found["ports"]]


@pytest.mark.parametrize("ci", ["default", "everything-on"])
def test_kubelet_waits_for_as_long_as_a_router_drains(ci: str) -> None:
    template = router(render(ci))
    told = environment(template)
    hook = container(template).get("lifecycle", {}).get("preStop", {}).get("sleep", {})
    drained = sum(int(told[f"AIROUTER_DRAIN_{name}"]) for name in ("GRACE", "DEADLINE"))
    needed = drained + hook.get("seconds", 0)
    assert template["spec"]["terminationGracePeriodSeconds"] == needed + MARGIN


def test_by_default_a_router_drains_as_it_would_without_being_told() -> None:
    told = environment(router(render()))
    fields = RouterSettings.model_fields
    assert float(told["AIROUTER_DRAIN_GRACE"]) == fields["drain_grace"].default
    assert float(told["AIROUTER_DRAIN_DEADLINE"]) == fields["drain_deadline"].default


@pytest.mark.parametrize(
    ("values", "image"),
    [
        ({}, "ghcr.io/airouter/auto-ai-router:0.1.0"),
        ({"registry": "r.example.com", "tag": "2"}, "r.example.com/auto-ai-router:2"),
        ({"registry": "", "repository": "mine"}, "mine:0.1.0"),
        ({"digest": f"sha256:{'0' * 64}"}, f"ghcr.io/airouter/auto-ai-router@sha256:{'0' * 64}"),
    ],
)
def test_images_have_a_registry_a_tag_or_a_digest(values: dict[str, str], image: str) -> None:
    given = {f"router.image.{name}": value for name, value in values.items()}
    assert container(router(render(values=given)))["image"] == image


def test_traces_are_off_until_there_is_a_collector() -> None:
    assert not [name for name in environment(router(render())) if name.startswith("OTEL_")]
    told = environment(router(render("everything-on")))
    assert told["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector.monitoring:4317"
    assert told["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc"
    secret = {"secretKeyRef": {"name": "collector", "key": "headers"}}
    assert told["OTEL_EXPORTER_OTLP_HEADERS"] == secret
    assert told["OTEL_RESOURCE_ATTRIBUTES"] == (
        "k8s.namespace.name=ai,k8s.pod.name=$(AIROUTER_POD_NAME),"
        "deployment.environment.name=a%20test"
    )


@pytest.mark.parametrize("part", ["router", "operator"])
def test_a_user_adds_variables_volumes_labels_and_annotations(part: str) -> None:
    template = {"router": router, "operator": operator}[part](render("everything-on"))
    found = container(template)
    assert found["envFrom"]
    assert "/etc/authorities" in [mount["mountPath"] for mount in found["volumeMounts"]]
    assert "authorities" in [volume["name"] for volume in template["spec"]["volumes"]]
    assert template["metadata"]["annotations"] == {"example.com/owner": "platform"}
    assert template["metadata"]["labels"]["team"] == "platform"
    assert [c["name"] for c in template["spec"]["initContainers"]] == ["proxy"]
    assert [c["name"] for c in template["spec"]["containers"]] == [part, "logs"]
    deployment = only("Deployment", render("everything-on"), part)
    assert deployment["metadata"]["annotations"] == {"example.com/owner": "platform"}
    assert template["spec"]["imagePullSecrets"] == [{"name": "registry"}]


def test_pods_are_spread_over_zones_and_nodes() -> None:
    def spread(**values: str) -> list[Object]:
        given = {f"router.{name}": value for name, value in values.items()}
        pod: Object = router(render(values=given))["spec"]
        found: list[Object] = pod.get("topologySpreadConstraints", [])
        return found

    keys = ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    assert [constraint["topologyKey"] for constraint in spread()] == keys
    assert {constraint["whenUnsatisfiable"] for constraint in spread()} == {"ScheduleAnyway"}
    hard = spread(topologySpread="DoNotSchedule")
    assert {constraint["whenUnsatisfiable"] for constraint in hard} == {"DoNotSchedule"}
    assert spread(topologySpread="Disabled") == []


def test_the_operator_is_spread_as_a_user_says() -> None:
    (constraint,) = operator(render("everything-on"))["spec"]["topologySpreadConstraints"]
    assert constraint["topologyKey"] == "kubernetes.io/hostname"
    assert "topologySpreadConstraints" not in operator(render())["spec"]


@pytest.mark.parametrize("part", ["router", "operator", "demo"])
def test_every_image_goes_by_its_digest_if_it_has_one(part: str) -> None:
    digest = f"sha256:{'0' * 64}"
    names = {"router": "router", "operator": "operator", "demo": "operator"}
    given = {f"{names[part]}.image": {"tag": "2", "digest": digest}}
    pods = {p["spec"]["containers"][0]["name"]: p for p in pod_templates(render("demo", given))}
    assert container(pods[part])["image"].endswith(f"@{digest}")


def test_routers_may_be_replaced_all_at_once() -> None:
    deployment = only("Deployment", render(values={"router.strategy.type": "Recreate"}), "router")
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}


def test_one_operator_is_told_to_end_before_the_next_starts() -> None:
    spec = only("Deployment", render(), "operator")["spec"]
    rolling = {"maxSurge": 0, "maxUnavailable": 1}
    assert (spec["replicas"], spec["strategy"]["rollingUpdate"]) == (1, rolling)
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] == 10


def test_one_operator_may_be_evicted() -> None:
    assert "topologySpreadConstraints" not in operator(render())["spec"]
    assert of_kind("PodDisruptionBudget", render(), "operator") == []


def test_high_availability_is_two_operators_on_two_nodes_that_are_not_evicted_at_once() -> None:
    objects = render(values={"operator.highAvailability": True})
    spec = only("Deployment", objects, "operator")["spec"]
    rolling = {"maxSurge": 1, "maxUnavailable": 0}
    assert (spec["replicas"], spec["strategy"]["rollingUpdate"]) == (2, rolling)
    spread = operator(objects)["spec"]["topologySpreadConstraints"]
    keys = ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    assert [constraint["topologyKey"] for constraint in spread] == keys
    assert spread[0]["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] == "operator"
    assert only("PodDisruptionBudget", objects, "operator")["spec"]["maxUnavailable"] == 1


def test_the_number_of_operators_may_be_said() -> None:
    objects = render(values={"operator.highAvailability": True, "operator.replicas": 3})
    assert only("Deployment", objects, "operator")["spec"]["replicas"] == 3


def test_the_trust_in_tenants_is_passed_on_where_it_is_limited() -> None:
    assert not {"AIROUTER_OPERATOR_SECRETS_REQUIRE_LABEL", "AIROUTER_OPERATOR_ALLOWED_HOSTS"} & (
        environment(operator(render())).keys()
    )
    limited = environment(operator(render("everything-on")))
    assert limited["AIROUTER_OPERATOR_SECRETS_REQUIRE_LABEL"] == "true"
    assert limited["AIROUTER_OPERATOR_ALLOWED_HOSTS"] == "*.openai.com,https://llm.example.com/*"
    assert limited["AIROUTER_OPERATOR_SECRET_GRACE"] == "60"
