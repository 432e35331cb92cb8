"""`airouter config`: the snapshot, of which nothing secret is shown."""

import json

import yaml

from support.commands import Airouter
from support.full_manifest import FULL_ENVIRON, FULL_YAML


def test_no_secret_is_shown(airouter: Airouter) -> None:
    result = airouter("config", "-", stdin=FULL_YAML, **FULL_ENVIRON)
    assert result.exit_code == 0, result.output
    shown = yaml.safe_load(result.output)
    assert {each.get("secret", "***") for each in shown["credentials"]} == {"***"}
    for value in FULL_ENVIRON.values():
        assert value not in result.output


def test_both_forms_say_the_same(airouter: Airouter) -> None:
    given = ("config", "-", "--ignore-secrets")
    as_yaml = yaml.safe_load(airouter(*given, stdin=FULL_YAML).output)
    as_json = json.loads(airouter(*given, "-o", "json", stdin=FULL_YAML).output)
    assert as_yaml == as_json


def test_a_configuration_that_cannot_be_used_is_told(airouter: Airouter) -> None:
    result = airouter("config", "-", stdin="kind: RouterConfig\n")
    assert result.exit_code == 2
    assert "stdin:1: error: apiVersion: is required" in result.stderr


def test_a_file_that_is_not_there_is_told_with_a_remedy(airouter: Airouter) -> None:
    result = airouter("config")
    assert result.exit_code == 2
    assert "airouter init" in result.stderr
