"""Which pods of a Service are ready, at which addresses."""

from __future__ import annotations

from typing import Any

from airouter.config.compile.places import ServicePort
from airouter_operator.kube.objects import Object
from airouter_operator.reconciling.endpoints import pool_addresses, ports_of


def service(*ports: dict[str, Any], families: tuple[str, ...] = ("IPv4",)) -> dict[str, Any]:
    return {"spec": {"ports": list(ports), "ipFamilies": list(families)}}


def endpoint_slice(
    *endpoints: dict[str, Any], family: str = "IPv4", **ports: int
) -> dict[str, Any]:
    """A slice with these ports by name; `unnamed` is the port of a Service with one alone."""
    named = [
        {"name": "" if name == "unnamed" else name, "port": port} for name, port in ports.items()
    ]
    return {"addressType": family, "ports": named, "endpoints": list(endpoints)}


def pod(address: str, **conditions: bool) -> dict[str, Any]:
    return {"addresses": [address], "conditions": conditions}


def addresses(*slices: dict[str, Any], **more: Any) -> tuple[str, ...]:
    """Where a Service with one port is asked."""
    return ports_of(service({"port": 80}, **more), slices)[80].addresses


def test_a_port_of_a_service_is_that_of_its_pods_by_name_and_not_by_number() -> None:
    ports = ({"name": "http", "port": 80}, {"name": "metrics", "port": 8000})
    found = ports_of(service(*ports), [endpoint_slice(pod("10.0.0.7"), http=8000, metrics=9000)])
    assert found == {
        80: ServicePort("http", ("10.0.0.7:8000",)),
        8000: ServicePort("http", ("10.0.0.7:9000",)),
    }


def test_a_pod_that_is_not_ready_is_not_asked() -> None:
    ready, silent = pod("10.0.0.7", ready=True), pod("10.0.0.8")
    starts = pod("10.0.0.9", ready=False)
    leaves = pod("10.0.0.10", ready=False, serving=True, terminating=True)
    found = addresses(endpoint_slice(ready, silent, starts, leaves, unnamed=8000))
    assert found == ("10.0.0.7:8000", "10.0.0.8:8000")


def test_the_pods_of_all_slices_are_asked_and_each_of_them_once() -> None:
    first = endpoint_slice(pod("10.0.0.8"), pod("10.0.0.7"), unnamed=8000)
    moved = endpoint_slice(pod("10.0.0.8"), pod("10.0.0.9"), unnamed=8001)
    again = endpoint_slice(pod("10.0.0.7"), unnamed=8000)
    assert addresses(first, moved, again) == (
        "10.0.0.7:8000",
        "10.0.0.8:8000",
        "10.0.0.8:8001",
        "10.0.0.9:8001",
    )


def test_of_two_families_the_first_of_the_service_is_asked() -> None:
    slices = (
        endpoint_slice(pod("10.0.0.7"), unnamed=8000),
        endpoint_slice(pod("fd00::7"), family="IPv6", unnamed=8000),
    )
    assert addresses(*slices) == ("10.0.0.7:8000",)
    assert addresses(*slices, families=("IPv6", "IPv4")) == ("[fd00::7]:8000",)
    assert addresses(slices[1]) == ("[fd00::7]:8000",)


def test_a_port_says_that_it_takes_tls() -> None:
    ports = (
        {"name": "a", "port": 1, "appProtocol": "https"},
        {"name": "b", "port": 2, "appProtocol": "http"},
        {"name": "c", "port": 3, "appProtocol": None},
    )
    assert [port.scheme for port in ports_of(service(*ports), []).values()] == [
        "https",
        "http",
        "http",
    ]


def test_a_port_of_udp_is_none() -> None:
    assert ports_of(service({"port": 53, "protocol": "UDP"}), []) == {}


def test_a_slice_without_endpoints_or_ports_has_nothing_to_ask() -> None:
    assert addresses({"addressType": "IPv4", "endpoints": None, "ports": None}) == ()


def pool_pod(host: str, ready: str = "True", **metadata: str) -> Object:
    conditions = [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": ready}]
    return {"metadata": metadata, "status": {"podIP": host, "conditions": conditions}}


def test_a_pod_of_a_pool_is_asked_at_each_port_of_the_pool() -> None:
    pool = {"spec": {"targetPorts": [{"number": 8000}, {"number": 8001}]}}
    pods = [pool_pod("10.0.0.8"), pool_pod("fd00::7")]
    assert pool_addresses(pool, pods) == (
        "10.0.0.8:8000",
        "10.0.0.8:8001",
        "[fd00::7]:8000",
        "[fd00::7]:8001",
    )


def test_a_pod_of_a_pool_that_starts_is_not_ready_or_ends_gets_nothing() -> None:
    pool = {"spec": {"targetPorts": [{"number": 8000}]}}
    ends = pool_pod("10.0.0.3", deletionTimestamp="2026-01-01T00:00:00Z")
    pods = [{"metadata": {}}, pool_pod("10.0.0.2", "False"), ends, pool_pod("")]
    assert pool_addresses(pool, pods) == ()
