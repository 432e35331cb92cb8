"""What is put into a pod that asks for a router: the patch, applied as the API server does."""

from __future__ import annotations

import copy
from typing import Any

import msgspec

from airouter.__main__ import PROBES
from airouter_operator.injecting.admitted_pod import AdmittedPod
from airouter_operator.injecting.patch import INJECTED, injection
from airouter_operator.injecting.sidecar import (
    CONTAINER,
    TOKEN_FOLDER,
    SidecarTemplate,
    router_container,
)
from airouter_operator.kube.objects import Object

TEMPLATE = SidecarTemplate(
    "router:1", "Always", 14000, "info", 65532, {"limits": {"memory": "256Mi"}}
)
OPENAI, ANTHROPIC = "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"


def pod(*containers: Object, **spec: Any) -> Object:
    return {"metadata": {"name": "app"}, "spec": {"containers": list(containers), **spec}}


def injected(subject: Object, config: str = "default") -> Object:
    """The pod as it is afterwards."""
    result = copy.deepcopy(subject)
    for addition in injection(msgspec.convert(subject, AdmittedPod), config, TEMPLATE):
        *parents, last = (part.replace("~1", "/") for part in addition.path[1:].split("/"))
        place: Any = result
        for part in parents:
            place = place[int(part) if isinstance(place, list) else part]
        if isinstance(place, list):
            place.insert(int(last), addition.value)
        else:
            place[last] = addition.value
    return result


def variables(container: Object) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container["env"]}


def test_a_pod_gets_a_router_that_starts_before_all_else_and_ends_after_it() -> None:
    found = injected(pod({"name": "app"}, initContainers=[{"name": "migrate"}]))
    router, migrate = found["spec"]["initContainers"]
    assert (router["name"], router["image"], router["restartPolicy"]) == (
        CONTAINER,
        "router:1",
        "Always",
    )
    assert migrate == {"name": "migrate"}
    assert router["resources"] == {"limits": {"memory": "256Mi"}}
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= router.keys()
    assert found["metadata"]["labels"] == {INJECTED: "true"}


def test_the_router_mounts_the_snapshot_of_its_routerconfig_and_no_token() -> None:
    found = injected(pod({"name": "app"}, volumes=[{"name": "mine"}]), config="teams")
    snapshot, empty, mine = found["spec"]["volumes"]
    assert snapshot["secret"] == {"secretName": "teams-snapshot"}
    assert mine == {"name": "mine"}
    (router,) = found["spec"]["initContainers"]
    places = {mount["name"]: mount["mountPath"] for mount in router["volumeMounts"]}
    assert places == {snapshot["name"]: "/etc/airouter", empty["name"]: TOKEN_FOLDER}
    assert empty["emptyDir"]
    assert all("volumeMounts" not in each for each in found["spec"]["containers"])


def test_the_router_keeps_to_the_restricted_standard() -> None:
    (router,) = injected(pod({"name": "app"}))["spec"]["initContainers"]
    assert router["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_what_kubelet_runs_every_few_seconds_goes_past_the_command_line() -> None:
    (router,) = injected(pod({"name": "app"}))["spec"]["initContainers"]
    probes = (router[each]["exec"] for each in ("startupProbe", "readinessProbe", "livenessProbe"))
    assert {tuple(probe["command"][1:]) for probe in probes} == PROBES.keys()


def test_a_cluster_may_choose_the_user_of_routers_itself() -> None:
    container = router_container(TEMPLATE._replace(run_as_user=None))
    assert "runAsUser" not in container["securityContext"]


def test_every_container_of_the_application_calls_the_router() -> None:
    found = injected(pod({"name": "a"}, {"name": "b", "env": [{"name": "X", "value": "$(Y)"}]}))
    a, b = map(variables, found["spec"]["containers"])
    urls = {OPENAI: "http://127.0.0.1:14000/v1", ANTHROPIC: "http://127.0.0.1:14000"}
    assert a == urls
    assert b == {**urls, "X": "$(Y)"}
    assert list(b)[-1] == "X"  # whose value may name those before it


def test_what_an_application_sets_itself_stays() -> None:
    own = {"name": OPENAI, "value": "http://mine"}
    (app,) = injected(pod({"name": "app", "env": [own]}))["spec"]["containers"]
    assert variables(app) == {ANTHROPIC: "http://127.0.0.1:14000", OPENAI: "http://mine"}


def test_a_pod_that_has_its_router_is_left_alone_but_for_containers_that_came_later() -> None:
    once = injected(pod({"name": "app"}))
    assert injected(once) == once
    once["spec"]["containers"].append({"name": "late"})
    assert variables(injected(once)["spec"]["containers"][1]).keys() == {OPENAI, ANTHROPIC}


def test_labels_of_the_pod_stay() -> None:
    subject = pod({"name": "app"})
    subject["metadata"]["labels"] = {"app": "shop"}
    assert injected(subject)["metadata"]["labels"] == {"app": "shop", INJECTED: "true"}
