"""Configurations of Auto AI Router (Go), in the shapes that its documentation shows."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from airouter.commands.importing.auto_ai_router import translate_auto_ai_router
from support.commands import Airouter

EXAMPLE = """\
server: {port: 9000, master_key: os.environ/MASTER, default_models_rpm: 50, max_idle_conns: 7}
fail2ban:
  max_attempts: 4
  ban_duration: permanent
  error_codes: [401, 429, 500]
  error_code_rules: [{code: 429, max_attempts: 5, ban_duration: 5m}]
  credential_overrides: {main: {error_codes: [400, 429]}}
credentials:
- {name: main, type: openai, api_key: os.environ/OPENAI, base_url: "https://api.openai.com",
   rpm: 100, tpm: -1, weight: 3}
- {name: bedrock_us, type: bedrock, api_key: os.environ/AWS,
   base_url: "https://bedrock-runtime.us-west-2.amazonaws.com"}
- {name: backup, type: air, api_key: os.environ/BACKUP, base_url: "http://other:8080",
   is_fallback: true}
models:
- {name: gpt-4o, credential: main, rpm: 10, tpm: 500}
- {name: gpt-4o, credential: backup}
- {name: aws/haiku, model: global.anthropic.claude-haiku, credential: bedrock_us}
model_alias: {gpt: gpt-4o, nobody: nothing}
redis: {enabled: true, addresses: [os.environ/REDIS], password: os.environ/REDIS_PASSWORD}
litellm_db: {enabled: false}
"""
KEYS = {
    name: f"sk-{name.lower()}" for name in ("MASTER", "OPENAI", "AWS", "BACKUP", "REDIS_PASSWORD")
} | {"REDIS": "localhost:6379"}


@pytest.fixture
def spec() -> Any:
    found = translate_auto_ai_router(yaml.safe_load(EXAMPLE))
    return yaml.safe_load(found.config_yaml())["spec"]


def test_what_is_translated_passes_its_check(airouter: Airouter) -> None:
    Path("config.yaml").write_text(EXAMPLE)
    result = airouter("import", "config.yaml", "--out", "out")
    assert result.exit_code == 0, result.output
    checked = airouter("check", "out", "--strict", **KEYS)
    assert checked.output == "0 errors, 0 warnings; serves 2 models, 3 credentials, 0 clients\n"


def test_credentials_keep_their_order_and_their_limits(spec: Any) -> None:
    main, bedrock, backup = spec["credentials"]
    assert (main["type"], main["limits"], main["weight"]) == ("OpenAI", {"rpm": 100}, 3)
    assert (bedrock["name"], bedrock["aws"]) == ("bedrock-us", {"region": "us-west-2"})
    assert (backup["type"], backup["baseURL"]) == ("Router", "http://other:8080/v1")
    assert backup["priority"] > main.get("priority", 0)


def test_a_model_has_the_credentials_that_it_is_bound_to(spec: Any) -> None:
    gpt, haiku = spec["models"]
    assert gpt["backends"] == [
        {"credential": "main", "limits": {"rpm": 10, "tpm": 500}},
        {"credential": "backup"},
    ]
    assert gpt["aliases"] == ["gpt"]
    assert haiku["backends"][0]["upstreamName"] == "global.anthropic.claude-haiku"


def test_bans_are_carried_over(spec: Any) -> None:
    assert spec["resilience"]["fail2ban"] == {
        "maxAttempts": 4,
        "banDuration": "720h",
        "statusCodes": [401, 429, 500],
        "rules": [{"statusCode": 429, "maxAttempts": 5, "banDuration": "5m"}],
    }
    assert spec["credentials"][0]["fail2ban"] == {"statusCodes": [400, 429]}


def test_the_report_tells_the_fate_of_every_field() -> None:
    report = translate_auto_ai_router(yaml.safe_load(EXAMPLE)).report.text()
    assert "changed: fail2ban.ban_duration permanent: 720h" in report
    assert "changed: server.port: AIROUTER_PORT" in report
    assert "left out: server.max_idle_conns" in report
    assert "left out: model_alias.nobody: there is no model nothing" in report
    assert "left out: litellm_db: there is no database" in report


def test_models_that_nobody_declares_are_asked_for() -> None:
    given = {"server": {}, "credentials": [{"name": "a", "type": "openai", "api_key": "k"}]}
    assert "left out: models: " in translate_auto_ai_router(given).report.text()


def test_files_are_not_written_over(airouter: Airouter) -> None:
    Path("config.yaml").write_text(EXAMPLE)
    assert airouter("import", "config.yaml", "--out", "out").exit_code == 0
    again = airouter("import", "config.yaml", "--out", "out")
    assert again.exit_code == 2
    assert "use --force" in again.stderr
    assert airouter("import", "config.yaml", "--out", "out", "--force").exit_code == 0
