"""The operator's settings and command line."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from airouter.sources.stream_connection import POLL_TIMEOUT
from airouter_operator.settings import Settings


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)


def set_(monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"AIROUTER_OPERATOR_{name}", value)


def test_it_watches_its_own_namespace_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    set_(monkeypatch, NAMESPACE="ai")
    settings = Settings()
    assert (settings.namespaces, settings.clusterwide) == (("ai",), False)
    assert settings.public_url == "https://airouter-operator.ai.svc:8443"


def test_it_watches_what_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    set_(monkeypatch, WATCH="ai, web,", STREAM_URL="https://operator.example/")
    settings = Settings()
    assert settings.namespaces == ("ai", "web")
    assert settings.public_url == "https://operator.example"
    set_(monkeypatch, WATCH="*")
    assert Settings().clusterwide


def test_everything_and_something_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    set_(monkeypatch, WATCH="ai,*")
    with pytest.raises(ValidationError, match="watch is either"):
        Settings()


@pytest.mark.parametrize(
    "url", ["operator:8443", "http://operator:8443", "https://", "https://operator:84430"]
)
def test_an_address_that_no_pod_could_poll_is_a_mistake(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    set_(monkeypatch, STREAM_URL=url)
    with pytest.raises(ValidationError, match="https://host:port"):
        Settings()


def test_a_poll_is_not_held_for_longer_than_a_router_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    set_(monkeypatch, POLL_HOLD=str(POLL_TIMEOUT))
    with pytest.raises(ValidationError, match="less than or equal"):
        Settings()


def test_the_kubeconfig_may_be_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().kubeconfig is None
    monkeypatch.setenv("KUBECONFIG", "/usual")
    assert str(Settings().kubeconfig) == "/usual"
    set_(monkeypatch, KUBECONFIG="/own")
    assert str(Settings().kubeconfig) == "/own"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "airouter_operator", *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=30, check=False
    )


def test_help_names_every_setting() -> None:
    done = run("--help")
    assert done.returncode == 0
    for name in Settings.model_fields:
        assert f"AIROUTER_OPERATOR_{name.upper()}" in done.stdout


def test_a_setting_that_is_wrong_is_named() -> None:
    done = run(AIROUTER_OPERATOR_RESYNC="soon", AIROUTER_OPERATOR_MAX_PODS="0")
    assert done.returncode == 2
    assert "AIROUTER_OPERATOR_RESYNC: Input should be a valid number" in done.stderr
    assert "AIROUTER_OPERATOR_MAX_PODS: Input should be greater than or equal" in done.stderr


def test_without_a_cluster_it_says_so() -> None:
    done = run()
    assert done.returncode == 2
    assert "there is no cluster to work for" in done.stderr
