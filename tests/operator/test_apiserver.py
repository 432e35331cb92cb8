"""The API server that the operator is tested against, and the ways in which tests make it fail."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.kubernetes.apiserver import ApiServer, KubectlFailed
from support.kubernetes.faults import FaultyProxy
from support.kubernetes.processes import GUARD, PATIENCE, until


def config_map(name: str, owner: dict[str, Any] | None = None) -> str:
    """A manifest."""
    owners = [owner] if owner else []
    metadata = {"name": name, "ownerReferences": owners}
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    return json.dumps({**kind, "metadata": metadata, "data": {"key": "value"}})


def read(server: ApiServer, namespace: str, name: str) -> dict[str, Any]:
    """A ConfigMap as it is stored."""
    arguments = ("get", "configmap", name, "-n", namespace, "-o", "json", "--show-managed-fields")
    found: dict[str, Any] = json.loads(server.kubectl(*arguments))
    return found


@pytest.fixture
def proxy(api_server: ApiServer) -> Iterator[FaultyProxy]:
    with FaultyProxy(api_server.url) as proxy:
        yield proxy


def test_it_says_which_version_it_is(api_server: ApiServer) -> None:
    versions = json.loads(api_server.kubectl("version", "-o", "json"))
    assert versions["serverVersion"]["gitVersion"].startswith("v1.")


def test_it_knows_who_applied_which_field(api_server: ApiServer, namespace: str) -> None:
    apply = ("apply", "--server-side", "--field-manager=me", "-n", namespace, "-f", "-")
    api_server.kubectl(*apply, input=config_map("a"))
    [manager] = read(api_server, namespace, "a")["metadata"]["managedFields"]
    assert (manager["manager"], manager["operation"]) == ("me", "Apply")


def test_a_service_account_may_do_nothing_that_no_role_grants(
    api_server: ApiServer, namespace: str
) -> None:
    api_server.kubectl("create", "serviceaccount", "nobody", "-n", namespace)
    kubeconfig = api_server.kubeconfig_for(namespace, "nobody")
    with pytest.raises(KubectlFailed, match="Forbidden"):
        api_server.kubectl("get", "secrets", kubeconfig=kubeconfig)
    user = f"system:serviceaccount:{namespace}:nobody"
    asked = [entry for entry in api_server.audit() if entry.user == user and entry.namespace]
    assert [(entry.verb, entry.resource, entry.code) for entry in asked] == [
        ("list", "secrets", 403)
    ]


def test_a_watch_from_before_a_compaction_has_expired(
    api_server: ApiServer, namespace: str
) -> None:
    api_server.kubectl("create", "configmap", "a", "-n", namespace)
    version = read(api_server, namespace, "a")["metadata"]["resourceVersion"]
    path = f"/api/v1/namespaces/{namespace}/configmaps?watch=1&timeoutSeconds=1"
    watch = ("get", "--raw", f"{path}&resourceVersion={version}")
    assert "410" not in api_server.kubectl(*watch)
    api_server.compact()
    event = json.loads(api_server.kubectl(*watch))
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


def test_objects_and_tokens_outlive_an_outage(api_server: ApiServer, namespace: str) -> None:
    api_server.kubectl("create", "serviceaccount", "somebody", "-n", namespace)
    kubeconfig = api_server.kubeconfig_for(namespace, "somebody")
    api_server.stop_server()
    with pytest.raises(KubectlFailed, match="refused"):
        api_server.kubectl("auth", "whoami", kubeconfig=kubeconfig)
    api_server.start_server()
    assert "somebody" in api_server.kubectl("auth", "whoami", kubeconfig=kubeconfig)


def test_a_frozen_watch_hears_nothing_while_a_new_one_does(
    api_server: ApiServer, namespace: str, proxy: FaultyProxy
) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps?watch=1"
    with client_of(api_server, proxy) as client, client.stream("GET", path) as frozen:
        events = frozen.iter_lines()
        api_server.kubectl("create", "configmap", "before", "-n", namespace)
        assert '"before"' in next(events)
        proxy.freeze()
        api_server.kubectl("create", "configmap", "after", "-n", namespace)
        with client.stream("GET", path) as watch:
            later = watch.iter_lines()
            assert '"after"' in next(later) + next(later)
        proxy.cut()
        with pytest.raises(httpx.ReadError):
            next(events)  # what had come before the cut would be read first


def client_of(api_server: ApiServer, proxy: FaultyProxy) -> httpx.Client:
    """An administrator behind a proxy, who waits as long as a test does."""
    context = api_server.admin_context
    return httpx.Client(base_url=proxy.url, verify=context, trust_env=False, timeout=PATIENCE)


def test_a_proxy_can_cut_connections_and_refuse_new_ones(
    api_server: ApiServer, proxy: FaultyProxy
) -> None:
    kubeconfig = proxy.kubeconfig(api_server.admin_kubeconfig)
    with (
        client_of(api_server, proxy) as client,
        client.stream("GET", "/api/v1/namespaces?watch=1") as watch,
    ):
        proxy.cut()
        with pytest.raises(httpx.ReadError):
            watch.read()
    proxy.refuse()
    with pytest.raises(KubectlFailed, match="refused"):
        api_server.kubectl("get", "namespaces", kubeconfig=kubeconfig)
    proxy.accept()
    assert "kube-system" in api_server.kubectl("get", "namespaces", kubeconfig=kubeconfig)


def test_what_an_object_owned_goes_with_it_also_after_an_outage(
    kubernetes: ApiServer, namespace: str
) -> None:
    kubernetes.stop_server()
    kubernetes.start_server()
    kubernetes.kubectl("create", "configmap", "owner", "-n", namespace)
    uid = read(kubernetes, namespace, "owner")["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    kubernetes.kubectl("create", "-n", namespace, "-f", "-", input=config_map("owned", owner))
    kubernetes.kubectl("delete", "configmap", "owner", "-n", namespace)
    gone = ("wait", "--for=delete", "configmap/owned", "-n", namespace, "--timeout=120s")
    kubernetes.kubectl(*gone)


def test_no_program_outlives_a_test_run_that_was_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    program = (
        f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    )
    guarded = [sys.executable, str(GUARD), sys.executable, "-c", program]
    run = f"import subprocess, time; subprocess.Popen({guarded!r}, stdin=-1); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", run]) as test_run:
        until(lambda: pid_file.exists() and bool(pid_file.read_text()))
        test_run.kill()
    pid = int(pid_file.read_text())
    until(lambda: not Path(f"/proc/{pid}").exists())
