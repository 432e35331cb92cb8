"""The chart on a real API server, which has no nodes: everything but running pods."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.rendering import (
    CHART,
    CI,
    FOREIGN,
    NAME,
    NAMESPACE,
    RELEASE,
    VERSIONS,
    HelmFailed,
    Object,
    container,
    helm,
    of_kind,
    only,
    pod_templates,
    render,
    settings,
)
from support.kubernetes.apiserver import ApiServer
from support.kubernetes.binaries import binaries
from support.kubernetes.crd import install_crd, remove_crds

ONCE = pytest.mark.parametrize("site", [4], indirect=True)
CRD = "crd/routerconfigs.airouter.dev"
PATIENCE = 120.0
DEMO = f"{NAME}-demo"
GUIDE = CHART.parents[1] / "docs" / "install.md"
SERVER_SIDE = ("--server-side", "-f", "-")


@pytest.mark.parametrize("ci", CI)
def test_the_api_server_takes_every_object(kubernetes: ApiServer, ci: str) -> None:
    objects = [found for found in render(ci) if found["kind"] not in FOREIGN]
    taken = apply(kubernetes, objects)
    assert len(taken) == len(objects)


def test_the_only_objects_it_cannot_judge_are_those_of_others() -> None:
    rendered = {found["kind"] for ci in CI for found in render(ci)}
    assert rendered >= FOREIGN


@pytest.mark.parametrize("ci", CI)
def test_a_restricted_namespace_takes_every_pod(kubernetes: ApiServer, ci: str) -> None:
    pods = [pod(number, found) for number, found in enumerate(pod_templates(render(ci)))]
    assert len(apply(kubernetes, pods)) == len(pods)


def pod(number: int, template: Object) -> Object:
    labels = {"labels": template["metadata"]["labels"]}
    metadata = {"name": f"pod-{number}", "namespace": NAMESPACE, **labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def apply(api: ApiServer, objects: list[Object]) -> list[str]:
    """The names of what the API server would take."""
    text = yaml.safe_dump_all(objects)
    options = ("--server-side", "--dry-run=server", "-f", "-", "-o", "name")
    return api.kubectl("apply", *options, input=text).split()


class Site:
    """A namespace for a release."""

    def __init__(self, api: ApiServer, version: int) -> None:
        self.api = api
        self.namespace = f"test-{secrets.token_hex(4)}"
        self._version = version

    def helm(self, *arguments: str) -> str:
        told = {"KUBECONFIG": str(self.api.admin_kubeconfig), "HOME": str(self.api.folder)}
        options = f"--namespace={self.namespace}"
        return helm(self._version, *arguments, options, environment=told)

    def upgrade(self, ci: str = "default", *more: str, chart: Path = CHART, **values: Any) -> str:
        """Install or upgrade; returns the notes."""
        given = settings(ci, {name.replace("__", "."): value for name, value in values.items()})
        target = ("upgrade", "--install", RELEASE, str(chart), "--create-namespace")
        return self.helm(*target, *given, *more).partition("NOTES:\n")[2]

    def get(self, *what: str) -> Any:
        return json.loads(self.kubectl("get", *what, "-o", "json"))

    def kubectl(self, *arguments: str, check: bool = True) -> str:
        return self.api.kubectl(*arguments, f"--namespace={self.namespace}", check=check)

    def bash(self, script: str) -> subprocess.CompletedProcess[str]:
        """What a person does who pastes it."""
        path = f"{binaries().kubectl.parent}:{os.environ['PATH']}"
        told = {"KUBECONFIG": str(self.api.admin_kubeconfig), "HOME": str(self.api.folder)}
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            env={**os.environ, **told, "PATH": path},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(params=VERSIONS)
def site(kubernetes: ApiServer, request: pytest.FixtureRequest) -> Iterator[Site]:
    found = Site(kubernetes, request.param)
    yield found
    found.helm("uninstall", RELEASE, "--ignore-not-found")
    remove_crds(found.api)
    found.kubectl("delete", "namespace", found.namespace, "--wait=false")


def test_a_release_lives_and_its_routerconfigs_outlive_it(site: Site, tmp_path: Path) -> None:
    notes = site.upgrade(chart=older_chart(tmp_path))
    assert site.bash(commands(notes)[0]).returncode == 0, "it declares a RouterConfig"
    assert bundle(site) == "0.0.1"
    site.upgrade(router__replicas=3)
    assert site.get("deployment", NAME)["spec"]["replicas"] == 3
    assert bundle(site) == "0.1.0"

    before = site.get("rcfg", "default")
    site.helm("uninstall", RELEASE)
    assert site.get("deployment")["items"] == []
    assert site.get("rcfg", "default") == before
    site.upgrade()


def older_chart(folder: Path) -> Path:
    """The chart as it might have been, with another CRD."""
    chart = folder / CHART.name
    shutil.copytree(CHART, chart)
    crd = chart / "files" / "crds" / "routerconfigs.airouter.dev.yaml"
    crd.write_text(crd.read_text().replace('bundle-version: "0.1.0"', 'bundle-version: "0.0.1"'))
    return chart


def bundle(site: Site) -> str:
    """The version of the CRD."""
    version: str = site.get(CRD)["metadata"]["annotations"]["airouter.dev/bundle-version"]
    return version


def test_a_crd_that_was_applied_by_hand_can_be_taken_over(site: Site) -> None:
    install_crd(site.api)
    site.upgrade("default", "--take-ownership")
    assert site.get(CRD)["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"


def test_an_upgrade_leaves_the_number_of_routers_to_who_has_scaled_them(site: Site) -> None:
    site.upgrade()
    site.kubectl("scale", f"deployment/{NAME}", "--replicas=5")
    site.upgrade(router__logLevel="debug")
    assert site.get("deployment", NAME)["spec"]["replicas"] == 5
    site.kubectl("scale", f"deployment/{NAME}", "--replicas=4")
    site.upgrade(router__replicas=3)
    assert site.get("deployment", NAME)["spec"]["replicas"] == 4


def test_a_number_that_nobody_has_set_is_that_of_the_values(site: Site) -> None:
    site.upgrade()
    site.upgrade(router__replicas=3)
    assert site.get("deployment", NAME)["spec"]["replicas"] == 3


def test_operators_become_two_and_one_again(site: Site) -> None:
    for highly_available, number in ((False, 1), (True, 2), (False, 1)):
        site.upgrade(operator__highAvailability=highly_available)
        assert site.get("deployment", f"{NAME}-operator")["spec"]["replicas"] == number


@pytest.mark.parametrize("ci", ["default", "autoscaling"])
def test_the_number_of_routers_can_be_left_out(ci: str) -> None:
    objects = render(ci, {"router.replicas": None})
    assert "replicas" not in only("Deployment", objects, "router")["spec"]


@ONCE
def test_who_may_view_or_edit_a_namespace_may_do_so_with_its_routerconfigs_and_routerkeys(
    site: Site,
) -> None:
    site.upgrade()
    for role in ("view", "edit", "admin"):
        site.kubectl("create", "rolebinding", role, f"--clusterrole={role}", f"--user={role}")
    site.api.start_controller_manager(["clusterrole-aggregation-controller"])
    try:
        allowed = {"view": "yes", "edit": "yes", "admin": "yes", "nobody": "no"}
        changing = {"view": "no", "edit": "yes", "admin": "yes", "nobody": "no"}
        until(lambda: {who: may(site, who, "list") for who in allowed} == allowed)
        until(lambda: {who: may(site, who, "patch") for who in changing} == changing)
    finally:
        site.api.stop_controller_manager()


def may(site: Site, who: str, verb: str) -> str:
    """Whether somebody may do something with both kinds of ours: yes or no, if they agree."""
    answers = {
        site.kubectl("auth", "can-i", verb, kind, f"--as={who}", check=False).strip()
        for kind in ("rcfg", "rkey")
    }
    return answers.pop() if len(answers) == 1 else "one of the two"


def until(holds: Callable[[], bool]) -> None:
    """Ask until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.1)


def test_a_second_release_is_told_whose_the_crd_is_and_what_to_do(site: Site) -> None:
    site.upgrade()
    second = ("upgrade", "--install", "second", str(CHART))
    with pytest.raises(HelmFailed) as refused:
        site.helm(*second)
    told = str(refused.value)
    assert f"belong to the release {RELEASE} in the namespace {site.namespace}" in told
    assert "set crds.install to false" in told
    command = re.findall(r"kubectl (annotate .*) (meta\S+) (meta[^\s\"]+)", told)[0]
    site.kubectl(*command[0].split(), *command[1:])
    site.helm(*second)
    site.helm("uninstall", "second")


def test_the_key_of_the_demo_survives_upgrades(site: Site) -> None:
    site.upgrade("demo")
    before = site.get("secret", f"{NAME}-demo")["data"]
    site.upgrade("demo", router__logLevel="debug")
    assert site.get("secret", f"{NAME}-demo")["data"] == before
    jobs = [job["metadata"]["name"] for job in site.get("jobs")["items"]]
    assert jobs == [f"{NAME}-demo-2"]


@ONCE
def test_what_the_notes_of_a_demo_print_can_be_pasted(site: Site) -> None:
    notes = site.upgrade("demo")
    (job,) = site.get("jobs")["items"]
    wait, programmed, ask = commands(notes)
    assert f"job/{job['metadata']['name']} " in wait
    assert "NotFound" in site.bash(programmed).stderr, "the Job has not run"
    assert_pasteable(site, ask)


@ONCE
def test_what_the_notes_print_can_be_pasted(site: Site) -> None:
    declare, wait, ask = commands(site.upgrade())
    assert site.bash(declare).stderr == ""
    waited = site.bash(wait.replace("--timeout=3m", "--timeout=1s"))
    assert "timed out waiting for the condition on routerconfigs/default" in waited.stderr
    assert_pasteable(site, ask)


def assert_pasteable(site: Site, ask: str) -> None:
    """The Service and its port are there, the key is found, and curl gets sound arguments."""
    forward, rest = ask.split(" &\n")
    (service, port) = re.findall(r"service/(\S+) 8080:(\d+)$", forward)[0]
    assert [p["port"] for p in site.get("service", service)["spec"]["ports"]] == [int(port)]
    called = site.bash(f"curl() {{ printf '%s\\n' \"$@\"; }}\n{rest}").stdout
    assert re.search(r"Authorization: Bearer sk-\w{40}\n", called)
    assert json.loads(called.splitlines()[-1])["model"] == "mock-echo"


def commands(notes: str) -> list[str]:
    """The paragraphs of the notes that are commands."""
    return [text for text in notes.split("\n\n") if text.startswith("kubectl")]


def run_job_of_the_demo(site: Site, folder: Path) -> int:
    """What its pod would do, under its account; returns the exit code."""
    job = container(only("Job", site.get("jobs")["items"])["spec"]["template"])
    (folder / "token").write_text(site.kubectl("create", "token", DEMO))
    (folder / "ca.crt").write_bytes(site.api.ca_file.read_bytes())
    told = {entry["name"]: entry["value"] for entry in job["env"]}
    script = [sys.executable, *job["command"][1:], *job["args"]]
    environment = {**os.environ, **told, "ACCOUNT": str(folder), "API_SERVER": site.api.url}
    return subprocess.run(script, env=environment, timeout=120, check=False).returncode


@ONCE
def test_the_job_of_the_demo_makes_the_routerconfig(site: Site, tmp_path: Path) -> None:
    """It starts before the CRD is there, and a second one changes nothing."""
    site.upgrade("demo", crds__install=False)
    threading.Timer(0.3, install_crd, [site.api]).start()
    assert run_job_of_the_demo(site, tmp_path) == 0
    made = site.get("rcfg", DEMO)
    assert made["spec"]["auth"]["masterKey"]["secretRef"]["name"] == DEMO
    assert run_job_of_the_demo(site, tmp_path) == 0
    assert site.get("rcfg", DEMO) == made
    assert served(site) == f"{DEMO}-snapshot"


@ONCE
def test_the_step_after_the_demo_conflicts_with_nothing(site: Site, tmp_path: Path) -> None:
    """The guide's own RouterConfig, and nothing of the demo under its key."""
    site.upgrade("demo")
    assert run_job_of_the_demo(site, tmp_path) == 0
    guide = next(re.finditer(r"<<'EOF'\n(.*?)\nEOF", GUIDE.read_text(), re.DOTALL))[1]
    site.api.kubectl("apply", f"--namespace={site.namespace}", *SERVER_SIDE, input=guide)
    own = site.get("rcfg", "default", "--show-managed-fields")
    assert [model["name"] for model in own["spec"]["models"]] == ["gpt-4o"]
    assert {entry["manager"] for entry in own["metadata"]["managedFields"]} == {"kubectl"}
    site.upgrade("demo", demo__enabled=False)
    assert served(site) == "default-snapshot"


@ONCE
def test_the_demo_ends_with_an_object_of_helms(site: Site, tmp_path: Path) -> None:
    """The garbage collector deletes what is owned by something that is gone."""
    site.upgrade("demo")
    assert run_job_of_the_demo(site, tmp_path) == 0
    metadata = site.get("rcfg", DEMO, "--show-managed-fields")["metadata"]
    (owner,) = metadata["ownerReferences"]
    assert owner["uid"] == site.get("serviceaccount", DEMO)["metadata"]["uid"]
    assert [entry["manager"] for entry in metadata["managedFields"]] == ["airouter-demo"]
    site.upgrade("demo", demo__enabled=False)
    assert site.get("serviceaccount", "--field-selector", f"metadata.name={DEMO}")["items"] == []


def test_the_job_of_the_demo_fits_into_a_quota() -> None:
    given = {"limits": {"cpu": "100m", "memory": "64Mi"}}
    job = only("Job", render("demo", {"demo.resources": given}))
    assert container(job["spec"]["template"])["resources"]["limits"] == given["limits"]


def served(site: Site) -> str:
    """The Secret that routers mount."""
    volumes = site.get("deployment", NAME)["spec"]["template"]["spec"]["volumes"]
    name: str = volumes[0]["secret"]["secretName"]
    return name


def test_only_the_demo_needs_a_job() -> None:
    assert of_kind("Job", render()) == []
