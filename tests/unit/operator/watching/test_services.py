"""What the operator remembers of Services, and of which it does not."""

from __future__ import annotations

from typing import Any

from airouter_operator.kube.objects import Object, ObjectKey
from airouter_operator.watching.kinds import ENDPOINT_SLICES, ROUTER_CONFIGS, SERVICES
from airouter_operator.watching.mirror import Mirror

CONFIG, VLLM = ObjectKey("ai", "default"), ObjectKey("models", "vllm")


def config(*services: dict[str, Any], generation: int = 1) -> Object:
    credentials = [{"name": f"c{n}", "service": each} for n, each in enumerate(services)]
    metadata = {"namespace": "ai", "name": "default", "resourceVersion": str(generation)}
    return {
        "metadata": {**metadata, "generation": generation},
        "spec": {"credentials": credentials},
    }


def service(version: int = 1) -> Object:
    return {"metadata": {"namespace": "models", "name": "vllm", "resourceVersion": str(version)}}


def endpoint_slice(name: str = "vllm-1", version: int = 1, of: str = "vllm") -> Object:
    labels = {"kubernetes.io/service-name": of}
    metadata = {"namespace": "models", "name": name, "resourceVersion": str(version)}
    return {"metadata": {**metadata, "labels": labels}, "endpoints": []}


def naming_vllm() -> Mirror:
    """A mirror with a RouterConfig that names a Service, which was read."""
    mirror = Mirror()
    mirror.put(ROUTER_CONFIGS, CONFIG, config({"name": "vllm", "namespace": "models", "port": 80}))
    mirror.services.take(VLLM, service(), [endpoint_slice()], mirror.services.changes(VLLM))
    return mirror


def notice(mirror: Mirror, body: Object) -> None:
    key = ObjectKey(body["metadata"]["namespace"], body["metadata"]["name"])
    kind = ENDPOINT_SLICES if "endpoints" in body else SERVICES
    mirror.notice(kind, key, body)


def test_a_service_is_looked_for_in_the_namespace_of_the_routerconfig_or_in_its_own() -> None:
    mirror = Mirror()
    own, theirs = {"name": "a", "port": 1}, {"name": "a", "namespace": "models", "port": 1}
    mirror.put(ROUTER_CONFIGS, CONFIG, config(own, theirs))
    assert mirror.services_of(CONFIG) == {ObjectKey("ai", "a"), ObjectKey("models", "a")}


def test_a_change_of_a_service_or_of_its_pods_is_about_all_that_name_it() -> None:
    mirror = naming_vllm()
    assert list(mirror.concerned(SERVICES, service())) == [CONFIG]
    assert list(mirror.concerned(ENDPOINT_SLICES, endpoint_slice("new"))) == [CONFIG]
    assert list(mirror.concerned(ENDPOINT_SLICES, endpoint_slice(of="other"))) == []


def test_a_service_is_read_anew_after_each_change_and_after_nothing_else() -> None:
    mirror = naming_vllm()
    for known in (service(), endpoint_slice(), endpoint_slice("x", of="other")):
        notice(mirror, known)
        assert mirror.services.is_current(VLLM)
    for changed in (service(2), endpoint_slice(version=2), endpoint_slice("new")):
        mirror = naming_vllm()
        notice(mirror, changed)
        assert not mirror.services.is_current(VLLM)


def test_a_pod_that_went_while_its_service_was_read_is_noticed() -> None:
    mirror = naming_vllm()
    changes = mirror.services.changes(VLLM)
    mirror.drop(ENDPOINT_SLICES, endpoint_slice("gone"))
    mirror.services.take(VLLM, service(), [endpoint_slice("gone")], changes)
    assert not mirror.services.is_current(VLLM)


def test_of_a_service_that_nobody_names_any_more_nothing_is_kept() -> None:
    mirror = naming_vllm()
    mirror.put(ROUTER_CONFIGS, CONFIG, config(generation=2))
    assert (len(mirror.services.services), len(mirror.services.slices)) == (0, 0)
    assert not mirror.services.was_read(VLLM)
    mirror.services.take(VLLM, service(), [endpoint_slice()], 0)
    assert not mirror.services.was_read(VLLM)


def test_what_was_read_replaces_what_was_known() -> None:
    mirror = naming_vllm()
    mirror.services.take(VLLM, None, [endpoint_slice("other")], 0)
    assert mirror.services.services.get(VLLM) is None
    (only,) = mirror.services.slices_of(VLLM)
    assert only["metadata"]["name"] == "other"
    assert len(mirror.services.slices) == 1
