"""What a provider says, without what is known of the credential."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

import pytest

from airouter.config.snapshot import Credential
from airouter.failures import Failure
from airouter.providers.masking import Masking

SECRET = "k?y/~~~of+ours>>0123456789"
MASKING = Masking(Credential("c", "OpenAI", secret=SECRET))


@pytest.mark.parametrize(
    "quoted",
    [
        SECRET,
        quote(SECRET, safe=""),
        "".join(f"%{byte:02X}" for byte in SECRET.encode()),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        b64encode(SECRET.encode()).decode(),
        urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
        b64encode(f"Bearer {SECRET}".encode()).decode(),
        b64encode(f"user:{SECRET}".encode()).decode(),
    ],
)
def test_a_key_is_masked_in_every_form(quoted: str) -> None:
    assert quoted[-9:-3] not in MASKING.text(f"the key {quoted} is wrong")
    assert "is wrong" in MASKING.text(f"the key {quoted} is wrong")
    body = b'{"error":"%b"}' % quoted.encode()
    assert quoted[-9:-3].encode() not in MASKING.body(body)


def test_all_fields_of_a_failure_are_masked() -> None:
    failure = Failure(400, f"m {SECRET}", type=f"t {SECRET}", code=f"c {SECRET}", param=SECRET)
    MASKING.failure(failure)
    told = (failure.message, failure.type, failure.code, failure.param)
    assert told == ("m ***", "t ***", "c ***", "***")


def test_no_part_of_a_secret_is_left_where_a_field_is_cut() -> None:
    failure = Failure(400, "why", code="x" * 250 + f" {SECRET}")
    MASKING.failure(failure)
    assert failure.code == "x" * 250 + " ***"


@pytest.mark.parametrize(
    "name",
    [
        "user_lookup_by_email",
        "key_performance_indicators",
        "org-wide-settings",
        "project_id",
        "key_value_pairs.0.name",
        "user-agent-string",
        "proj_settings_v2",
    ],
)
def test_an_innocent_name_is_left_alone(name: str) -> None:
    assert MASKING.text(f"Invalid schema for function '{name}'") == (
        f"Invalid schema for function '{name}'"
    )


@pytest.mark.parametrize("id_", ["org-AbCdEfGhIjKlMnOpQrStUvWx", "user-a1b2c3d4e5", "key_****wxyz"])
def test_an_id_of_the_account_is_masked(id_: str) -> None:
    assert MASKING.text(f"Limit of {id_} reached") == "Limit of *** reached"


@pytest.mark.parametrize(
    "domain", ["openai.azure.com", "cognitiveservices.azure.com", "services.ai.azure.com"]
)
def test_the_name_of_a_resource_of_azure_is_masked(domain: str) -> None:
    told = MASKING.text(f"No deployment at https://acme-east-2.{domain}/openai, see {domain}.")
    assert told == f"No deployment at https://***.{domain}/openai, see {domain}."


def test_each_secret_of_a_file_is_masked() -> None:
    values = {"type": "service_account", "private_key": "-----BEGIN\nabc", "token_uri": "https://x"}
    masking = Masking(Credential("c", "Vertex", secret=json.dumps(values)))
    told = masking.text(r"-----BEGIN\nabc at https://x of service_account")
    assert told == "*** at https://x of service_account"


def test_a_secret_in_a_header_of_the_credential_is_masked() -> None:
    headers = (("x-api-key", "another-key-of-ours"), ("x-team", "team-of-ours"))
    masking = Masking(Credential("c", "OpenAI", headers=headers))
    assert masking.text("another-key-of-ours team-of-ours") == "*** team-of-ours"


def test_what_is_no_secret_passes_as_it_is() -> None:
    body = b'{"choices":[{"message":{"content":"an error"}}]}'
    assert MASKING.body(body) == body
    short = Masking(Credential("c", "OpenAI", secret="k"))
    assert short.text("key") == "key"
