"""The operator's settings."""

import pytest
from pydantic import ValidationError

from airouter.sources.stream_connection import POLL_TIMEOUT
from airouter_operator.settings import OperatorSettings


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)


def set_(monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"AIROUTER_OPERATOR_{name}", value)


def test_it_watches_its_own_namespace_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    set_(monkeypatch, NAMESPACE="ai")
    settings = OperatorSettings()
    assert (settings.namespaces, settings.clusterwide) == (("ai",), False)
    assert settings.public_url == "https://airouter-operator.ai.svc:8443"


def test_it_watches_what_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    set_(monkeypatch, WATCH="ai, web,", STREAM_URL="https://operator.example/")
    settings = OperatorSettings()
    assert settings.namespaces == ("ai", "web")
    assert settings.public_url == "https://operator.example"
    set_(monkeypatch, WATCH="*")
    assert OperatorSettings().clusterwide


def test_everything_and_something_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    set_(monkeypatch, WATCH="ai,*")
    with pytest.raises(ValidationError, match="watch is either"):
        OperatorSettings()


@pytest.mark.parametrize(
    "url", ["operator:8443", "http://operator:8443", "https://", "https://operator:84430"]
)
def test_an_address_that_no_pod_could_poll_is_a_mistake(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    set_(monkeypatch, STREAM_URL=url)
    with pytest.raises(ValidationError, match="https://host:port"):
        OperatorSettings()


def test_a_poll_is_not_held_for_longer_than_a_router_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    set_(monkeypatch, POLL_HOLD=str(POLL_TIMEOUT))
    with pytest.raises(ValidationError, match="less than or equal"):
        OperatorSettings()


def test_the_kubeconfig_may_be_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert OperatorSettings().kubeconfig is None
    monkeypatch.setenv("KUBECONFIG", "/usual")
    assert str(OperatorSettings().kubeconfig) == "/usual"
    set_(monkeypatch, KUBECONFIG="/own")
    assert str(OperatorSettings().kubeconfig) == "/own"


def test_certificates_are_for_the_host_that_pods_poll_and_for_the_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_(monkeypatch, NAMESPACE="ai", SERVICE="llm")
    assert OperatorSettings().hosts == ["llm.ai.svc"]
    set_(monkeypatch, STREAM_URL="https://operator.example:443")
    assert OperatorSettings().hosts == ["operator.example", "llm.ai.svc"]


def test_resources_of_injected_routers_are_said_as_in_a_pod(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_(monkeypatch, INJECTOR_RESOURCES='{"limits": {"cpu": 1, "memory": "1Gi"}}')
    assert OperatorSettings().injector_resources == {"limits": {"cpu": 1, "memory": "1Gi"}}
    assert OperatorSettings().injector_run_as_user == 65532
    set_(monkeypatch, INJECTOR_RUN_AS_USER="null")
    assert OperatorSettings().injector_run_as_user is None
    set_(monkeypatch, INJECTOR_RESOURCES="much")
    with pytest.raises(ValidationError, match="injector_resources"):
        OperatorSettings()
