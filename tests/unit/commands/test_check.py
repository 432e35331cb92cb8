"""`airouter check`, as people and pipelines call it."""

import json
import stat
from pathlib import Path

import pytest

from support.commands import Airouter
from support.manifests import ROUTER_YAML

SAMPLES = sorted((Path(__file__).parents[3] / "manifests" / "samples").rglob("*.yaml"))
BROKEN = ROUTER_YAML.replace("type: Mock", "type: Mok")
WARNED = ROUTER_YAML.replace("type: Mock", "type: Mock\n    timeouts: {}")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_every_sample_passes_without_its_secrets(airouter: Airouter, sample: Path) -> None:
    result = airouter("check", sample, "--ignore-secrets")
    assert result.exit_code == 0, result.output


def test_all_samples_pass_together(airouter: Airouter) -> None:
    folder = SAMPLES[0].parent
    result = airouter("check", folder, folder / "keys", "--ignore-secrets")
    assert result.exit_code == 0, result.output
    assert "teams: serves 2 models, 1 credential, 2 clients" in result.output


def test_a_manifest_may_come_from_a_pipe(airouter: Airouter) -> None:
    result = airouter("check", "-", stdin=BROKEN)
    assert result.exit_code == 2
    assert result.output.startswith("stdin:7: error: spec.credentials[name=mock].type:")


@pytest.mark.parametrize("kind", ["ConfigMap", "Service"])
def test_a_file_without_anything_of_a_router_is_no_success_in_silence(
    airouter: Airouter, kind: str
) -> None:
    text = f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: x}}\n"
    result = airouter("check", "-", stdin=text)
    assert result.exit_code == 0
    assert "warning: there is no RouterConfig in what was given" in result.output
    assert airouter("check", "-", "--strict", stdin=text).exit_code == 2


def test_without_a_name_it_is_the_file_that_init_writes(
    airouter: Airouter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    missing = airouter("check")
    assert missing.exit_code == 2
    assert "fix: name a file, or write one: airouter init" in missing.output
    Path("router.yaml").write_text(ROUTER_YAML)
    found = airouter("check")
    assert found.exit_code == 0, found.output
    assert "serves 1 model" in found.output


def test_what_follows_from_a_mistake_stands_under_it(airouter: Airouter) -> None:
    lines = airouter("check", "-", stdin=BROKEN).output.splitlines()
    assert lines[1].startswith("  stdin:10: warning: spec.models[name=echo].backends[0].credential")
    assert lines[2].startswith("    stdin:10: error: spec.models[name=echo].backends: no usable")


def test_strict_fails_on_a_warning(airouter: Airouter) -> None:
    assert airouter("check", "-", stdin=WARNED).exit_code == 0
    assert airouter("check", "-", "--strict", stdin=WARNED).exit_code == 2
    assert airouter("check", "-", "--strict", stdin=ROUTER_YAML).exit_code == 0


def test_findings_can_be_read_by_programs(airouter: Airouter) -> None:
    found = json.loads(airouter("check", "-", "-o", "json", stdin=BROKEN).output)
    assert found["findings"][0] == {
        "severity": "error",
        "file": "stdin",
        "line": 7,
        "field": "spec.credentials[name=mock].type",
        "message": "is not a known value",
        "fix": found["findings"][0]["fix"],
        "reason": "Invalid",
    }
    assert found["summary"] == "2 errors, 1 warning; serves 1 model, 0 credentials, 0 clients"


def test_findings_become_annotations_of_github(airouter: Airouter) -> None:
    line = airouter("check", "-", "-o", "github", stdin=BROKEN).output.splitlines()[0]
    assert line.startswith(
        "::error file=stdin,line=7,title=spec.credentials[name=mock].type::is not a known value"
    )


def test_findings_become_results_of_sarif(airouter: Airouter) -> None:
    log = json.loads(airouter("check", "-", "-o", "sarif", stdin=BROKEN).output)
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    assert {result["level"] for result in run["results"]} == {"error", "warning"}
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {result["ruleId"] for result in run["results"]} <= rules
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "stdin"}, "region": {"startLine": 7}}


KUBECTL = """\
#!/bin/sh
echo "$@" > "$(dirname "$0")/asked"
echo '{"kind": "List", "items": [{"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
  "metadata": {"name": "keys", "namespace": "ai", "uid": "1"}, "data": {"master": "c2stMQ=="}}]}'
"""


def test_secrets_may_come_from_the_cluster(airouter: Airouter, tmp_path: Path) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(KUBECTL)
    kubectl.chmod(kubectl.stat().st_mode | stat.S_IXUSR)
    alone = ROUTER_YAML.split("---\n")[0]
    assert airouter("check", "-", stdin=alone).exit_code == 2
    asked = ("check", "-", "--secrets-from-cluster", "-n", "ai", "--context", "prod")
    result = airouter(*asked, stdin=alone, PATH=f"{tmp_path}:/usr/bin:/bin")
    assert result.exit_code == 0, result.output
    asked_for = (tmp_path / "asked").read_text().strip()
    assert asked_for == (
        "get secret keys --ignore-not-found --output json --context prod --namespace ai"
    )


def test_a_cluster_that_cannot_be_asked_is_told(airouter: Airouter, tmp_path: Path) -> None:
    result = airouter("check", "-", "--secrets-from-cluster", stdin=ROUTER_YAML, PATH=str(tmp_path))
    assert result.exit_code == 2
    assert "kubectl is not installed" in result.output


def test_a_form_that_is_none_is_refused(airouter: Airouter) -> None:
    assert airouter("check", "-", "-o", "xml", stdin=ROUTER_YAML).exit_code == 2


def test_a_missing_variable_is_the_cause_of_all_that_lacks_its_key(airouter: Airouter) -> None:
    account = "type: OpenAI\n    secretRef: {name: keys, key: openai}"
    text = ROUTER_YAML.replace("type: Mock", account) + "  openai: ${NOT_THERE}\n"
    lines = airouter("check", "-", stdin=text).output.splitlines()
    assert lines[0].startswith(
        "stdin:20: error: stringData.openai: the environment has no variable"
    )
    assert lines[1].startswith(
        "  stdin:8: error: spec.credentials[name=mock].secretRef: key 'openai'"
    )
    assert "use one of" not in lines[1]
    assert lines[2].startswith("    stdin:11: warning: spec.models[name=echo].backends[0]")
