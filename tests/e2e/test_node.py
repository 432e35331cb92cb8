"""The cluster of this machine is a real one: what charts and operators rely on works there."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from support.kubernetes.node import cluster
from support.kubernetes.node.daemons import Daemon
from support.kubernetes.node.images import save
from support.kubernetes.node.node import Node
from support.kubernetes.processes import until
from support.ports import free_port

IMAGE = "localhost/auto-ai-router-probe:e2e"
DOCKERFILE = """
FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3
"""
BUILD = ["buildah", "build", "--isolation=chroot", "--layers", "--pull-never", f"--tag={IMAGE}"]
SERVE = ["python3", "-m", "http.server", "--directory", "/secret", "8000"]
FETCH = """
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1], timeout=60).read().decode())
"""
RESOLVE = """
import socket, sys
try:
    print(socket.gethostbyname(sys.argv[1]))
except socket.gaierror as error:
    print("no such name" if error.errno == socket.EAI_NONAME else error)
"""
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], 443), 60)"
READY = {"httpGet": {"path": "/", "port": 8000}, "periodSeconds": 1}
RESTRICTED = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
POD = {
    "automountServiceAccountToken": False,
    "terminationGracePeriodSeconds": 1,
    "containers": [
        {
            "name": "web",
            "image": IMAGE,
            "imagePullPolicy": "Never",
            "command": SERVE,
            "env": [{"name": "PYTHONUNBUFFERED", "value": "1"}],
            "readinessProbe": READY,
            "livenessProbe": READY,
            "startupProbe": READY,
            "securityContext": RESTRICTED,
            "volumeMounts": [{"name": "secret", "mountPath": "/secret"}],
        }
    ],
    "volumes": [{"name": "secret", "secret": {"secretName": "web"}}],
}
LABELS = {"app": "web"}


class Web:
    """A web server in a namespace that admits only restricted pods; it serves a Secret."""

    def __init__(self, node: Node, namespace: str) -> None:
        self.node = node
        self.namespace = namespace

    def kubectl(self, *arguments: str, standard_input: str | None = None) -> str:
        return self.node.kubectl("-n", self.namespace, *arguments, input=standard_input)

    def python(self, code: str, *arguments: str) -> str:
        """What a program in the pod prints."""
        run = ("exec", "deploy/web", "--", "python3", "-c", code, *arguments)
        return self.kubectl(*run).strip()

    def set_key(self, value: str) -> None:
        secret = {"key": base64.b64encode(value.encode()).decode()}
        self.apply("v1", "Secret", data=secret)

    def apply(self, version: str, kind: str, **content: object) -> None:
        named = {"apiVersion": version, "kind": kind, "metadata": {"name": "web"}, **content}
        self.kubectl("apply", "-f", "-", standard_input=json.dumps(named))

    @property
    def node_port(self) -> str:
        return self.kubectl("get", "service", "web", "-o", "jsonpath={.spec.ports[0].nodePort}")


@pytest.fixture(scope="module")
def node() -> Node:
    if os.geteuid() != 0 or not cluster.is_up():
        pytest.skip("the cluster of this machine is not up: make cluster")
    return Node()


@pytest.fixture(scope="module")
def image(node: Node, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Built as the images of the project are, and given to the node."""
    folder = tmp_path_factory.mktemp("image")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    subprocess.run([*BUILD, str(folder)], check=True, capture_output=True, timeout=300)
    save(IMAGE, folder / "image.tar")
    node.load_image(folder / "image.tar")
    return IMAGE


@pytest.fixture(scope="module")
def web(node: Node, image: str) -> Iterator[Web]:
    web = Web(node, "web-e2e")
    node.kubectl("delete", "namespace", web.namespace, "--ignore-not-found")
    node.kubectl("create", "namespace", web.namespace)
    try:
        enforce = "pod-security.kubernetes.io/enforce=restricted"
        node.kubectl("label", "namespace", web.namespace, enforce)
        web.set_key("first")
        template = {"metadata": {"labels": LABELS}, "spec": POD}
        deployment = {"selector": {"matchLabels": LABELS}, "template": template}
        web.apply("apps/v1", "Deployment", spec=deployment)
        ports = {"type": "NodePort", "ports": [{"port": 80, "targetPort": 8000}]}
        web.apply("v1", "Service", spec={"selector": LABELS, **ports})
        web.kubectl("rollout", "status", "deployment/web", "--timeout=120s")
        # kube-proxy follows a moment later.
        until(lambda: _get(f"http://{node.address}:{web.node_port}/") is not None)
        yield web
    finally:
        node.kubectl("delete", "namespace", web.namespace, "--wait=false")


def test_a_pod_reaches_a_service_by_its_name(web: Web) -> None:
    url = f"http://web.{web.namespace}.svc.cluster.local/key"
    assert web.python(FETCH, url) == "first"
    assert web.python(FETCH, "http://web/key") == "first"


def test_a_pod_reaches_the_api_server_by_its_name(web: Web) -> None:
    assert web.python(RESOLVE, "kubernetes.default.svc") == "10.96.0.1"
    assert web.python(CONNECT, "kubernetes.default.svc") == ""


def test_a_name_outside_of_the_cluster_does_not_exist(web: Web) -> None:
    assert web.python(RESOLVE, "nowhere.example") == "no such name"


def test_the_host_reaches_a_node_port(web: Web) -> None:
    answer = httpx.get(f"http://{web.node.address}:{web.node_port}/key", trust_env=False)
    assert answer.text == "first"


def test_a_pod_reaches_a_server_on_the_host(web: Web, tmp_path: Path) -> None:
    (tmp_path / "greeting").write_text("from the host")
    port = free_port()
    serve = ["python3", "-m", "http.server", "--bind", web.node.host_address, str(port)]
    with running(serve, cwd=tmp_path):
        url = f"http://{web.node.host_address}:{port}/greeting"
        until(lambda: _get(url) is not None)
        assert web.python(FETCH, url) == "from the host"


def test_kubectl_reads_logs_and_forwards_ports(web: Web) -> None:
    assert "GET / HTTP" in web.kubectl("logs", "deploy/web")
    port = free_port()
    kubectl = [str(web.node.program("kubectl")), f"--kubeconfig={web.node.kubeconfig}"]
    forward = ["-n", web.namespace, "port-forward", "deploy/web", f"{port}:8000"]
    with running([*kubectl, *forward]):
        until(lambda: _get(f"http://127.0.0.1:{port}/key") == "first")


def test_a_mounted_secret_follows_within_seconds(web: Web) -> None:
    web.set_key("second")
    try:
        until(lambda: web.python(FETCH, "http://web/key") == "second")
    finally:
        web.set_key("first")
        until(lambda: web.python(FETCH, "http://web/key") == "first")


def test_a_frozen_pod_fails_its_probes_and_is_restarted(web: Web) -> None:
    (pod,) = json.loads(web.kubectl("get", "pods", "-l", "app=web", "-o", "json"))["items"]
    restarts = "jsonpath={.items[0].status.containerStatuses[0].restartCount}"
    before = web.kubectl("get", "pods", "-o", restarts)
    web.node.freeze(pod["metadata"]["uid"])
    until(lambda: web.kubectl("get", "pods", "-o", restarts) not in {before, ""})
    until(lambda: _get(f"http://{web.node.address}:{web.node_port}/key") == "first")


@pytest.mark.parametrize("version", [3, 4])
def test_helm_installs_and_removes_a_chart(web: Web, tmp_path: Path, version: int) -> None:
    chart = {"apiVersion": "v2", "name": "chart", "version": "1.0.0"}
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump(chart))
    (tmp_path / "templates").mkdir()
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "from-helm"}}
    (tmp_path / "templates" / "config.yaml").write_text(yaml.safe_dump(config_map))
    major = 3 if version == 3 else 4
    web.node.helm("install", "it", str(tmp_path), "-n", web.namespace, version=major)
    assert web.kubectl("get", "configmap", "from-helm", "-o", "name").strip()
    web.node.helm("uninstall", "it", "-n", web.namespace, "--wait", version=major)
    assert "from-helm" not in web.kubectl("get", "configmap", "-o", "name")


def test_an_id_that_now_belongs_to_another_process_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kubelet.pid").write_text(str(os.getpid()))
    daemon = Daemon("kubelet", tmp_path)
    assert daemon.ended()
    daemon.stop()


@contextmanager
def running(command: list[str], cwd: Path | None = None) -> Iterator[None]:
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=cwd, stdout=quiet, stderr=quiet) as process:
        try:
            yield
        finally:
            process.kill()


def _get(url: str) -> str | None:
    try:
        return httpx.get(url, trust_env=False, timeout=10).text
    except httpx.TransportError:
        return None
