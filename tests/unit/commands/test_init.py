"""`airouter init`: what it writes is what `check` and `serve` take."""

import json
import stat
from pathlib import Path

import pytest

from airouter.commands.known_providers import KNOWN_PROVIDERS
from support.commands import Airouter

VARIABLES = [name for known in KNOWN_PROVIDERS for name in known.variables]
KEYS = {name: f"sk-{number}" for number, name in enumerate(VARIABLES)}


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [
        *VARIABLES,
        "OPENAI_BASE_URL",
        "ANTHROPIC_BASE_URL",
        "AZURE_OPENAI_ENDPOINT",
        "ROUTER_MASTER_KEY",
    ]:
        monkeypatch.delenv(name, raising=False)


def test_without_any_key_a_mock_is_served(airouter: Airouter) -> None:
    assert airouter("init").exit_code == 0
    result = airouter("check", "router.yaml", "--strict")
    assert result.output == "0 errors, 0 warnings; serves 1 model, 1 credential, 0 clients\n"


def test_every_known_provider_makes_a_configuration_without_a_finding(airouter: Airouter) -> None:
    assert airouter("init", **KEYS).exit_code == 0
    result = airouter("check", "router.yaml", "--strict", **KEYS)
    assert result.exit_code == 0, result.output
    assert f"{len(KNOWN_PROVIDERS)} credentials" in result.output


def test_the_file_names_variables_and_never_their_values(airouter: Airouter) -> None:
    text = airouter("init", "-", OPENAI_API_KEY="sk-very-secret").output
    assert "openai: ${OPENAI_API_KEY}" in text
    assert "sk-very-secret" not in text


def test_the_file_is_its_owners_and_is_not_written_over(airouter: Airouter) -> None:
    airouter("init")
    path = Path("router.yaml")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_text()
    assert airouter("init").exit_code == 2
    assert path.read_text() == before
    assert airouter("init", "--force").exit_code == 0
    assert path.read_text() != before  # a new master key


def test_a_master_key_of_the_environment_is_named(airouter: Airouter) -> None:
    assert "master: ${ROUTER_MASTER_KEY}" in airouter("init", "-", ROUTER_MASTER_KEY="x").output


def test_another_base_url_of_the_sdk_is_kept(airouter: Airouter) -> None:
    text = airouter("init", "-", OPENAI_API_KEY="x", OPENAI_BASE_URL="http://10.0.0.1/v1").output
    assert 'type: OpenAICompatible\n    baseURL: "http://10.0.0.1/v1"' in text


def test_editors_find_the_schema(airouter: Airouter) -> None:
    airouter("init")
    first = Path("router.yaml").read_text().splitlines()[0]
    name = first.removeprefix("# yaml-language-server: $schema=")
    assert json.loads(Path(name).read_text())["definitions"]["RouterConfig"]
    served = airouter("check", ".")
    assert served.exit_code == 0  # the schema is no manifest of the folder


def test_a_resource_of_azure_that_is_not_known_is_asked_for(airouter: Airouter) -> None:
    told = airouter("init", AZURE_OPENAI_API_KEY="x").output
    assert "AZURE_OPENAI_ENDPOINT is not set (fix: write the name of your resource" in told
    assert '"https://RESOURCE.openai.azure.com"  # write' in Path("router.yaml").read_text()


def test_a_resource_of_azure_that_is_known_is_written(airouter: Airouter) -> None:
    url = "https://acme.openai.azure.com"
    known = {"AZURE_OPENAI_API_KEY": "x", "AZURE_OPENAI_ENDPOINT": url}
    assert "RESOURCE" not in airouter("init", **known).output
    text = Path("router.yaml").read_text()
    assert f'baseURL: "{url}"' in text
    assert "RESOURCE" not in text
