"""Access tokens, from a token endpoint on loopback."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from airouter.providers.identity.base import IdentityError
from airouter.providers.identity.google import GoogleSigner, load
from support.clouds import Google, private_key

PATH, BODY = b"/v1/projects/{project}/x", b"{}"


async def test_a_service_account_signs_for_a_token_and_names_its_project(google: Google) -> None:
    signer = GoogleSigner(google.service_account())
    assert await signer.sign(PATH, BODY) == (
        b"/v1/projects/project-1/x",
        b"authorization: Bearer token-1\r\n",
    )
    await signer.sign(PATH, BODY)
    assert len(google.asked) == 1


async def test_a_federated_identity_reads_its_token_anew_each_time(
    google: Google, tmp_path: Path
) -> None:
    given = tmp_path / "token"
    given.write_text("first")
    signer = GoogleSigner(google.federation(str(given), quota_project_id="payer"))
    await signer.sign(b"/", BODY)
    given.write_text("second")
    signer.accept(await asyncio.to_thread(signer.fetch))
    _, head = await signer.sign(b"/", BODY)
    assert [asked["subject_token"] for asked in google.asked] == ["first", "second"]
    assert head == b"authorization: Bearer token-2\r\nx-goog-user-project: payer\r\n"


async def test_an_ambient_identity_says_its_project_with_its_first_token(
    google: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key.json"
    key.write_text(google.service_account())
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    signer = GoogleSigner(None)
    assert await signer.sign(PATH, BODY) == (
        b"/v1/projects/project-1/x",
        b"authorization: Bearer token-1\r\n",
    )


async def test_an_identity_without_a_project_says_what_to_set(
    google: Google, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("t")
    signer = GoogleSigner(google.federation(str(tmp_path / "token")), name="g")
    with pytest.raises(IdentityError, match=r"'g' has no project: set gcp\.project"):
        await signer.sign(PATH, BODY)


async def test_where_there_is_no_identity_the_request_says_so() -> None:
    with pytest.raises(IdentityError, match="Google: no identity was found around the process"):
        await GoogleSigner(None).sign(PATH, BODY)


async def test_no_request_has_a_token_that_ended(google: Google) -> None:
    google.life = 1.0
    signer = GoogleSigner(google.service_account())
    await signer.sign(PATH, BODY)
    signer.start()
    while len(google.asked) < 4:
        _, head = await signer.sign(PATH, BODY)
        assert google.is_valid(head)
        await asyncio.sleep(0.002)
    signer.close()


async def test_a_refusal_is_told_by_its_code_and_nothing_that_it_quotes(
    google: Google, caplog: pytest.LogCaptureFixture
) -> None:
    secret = google.service_account()
    google.refusal = "Invalid JWT Signature: eyJhbGciOi"
    signer = GoogleSigner(secret, name="g")
    with pytest.raises(IdentityError, match="'g': Google refused with 'invalid_grant'") as caught:
        await signer.sign(PATH, BODY)
    told = caplog.text + str(caught.value) + repr(signer)
    assert "eyJ" not in told
    assert google.asked[0]["assertion"] not in told
    assert private_key().private_numbers().d.__str__() not in told


async def test_an_endpoint_that_is_gone_is_told_without_its_address(google: Google) -> None:
    signer = GoogleSigner(google.service_account(token_uri="http://127.0.0.1:1/token"))
    with pytest.raises(IdentityError) as caught:
        await signer.sign(PATH, BODY)
    assert str(caught.value) == "credential 'Google': Google: it could not be reached"


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        (
            {
                "type": "authorized_user",
                "client_id": "i",
                "client_secret": "s",
                "refresh_token": "r",
            },
            "google.oauth2.credentials",
        ),
        (
            {
                "type": "external_account",
                "audience": "a",
                "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
                "token_url": "https://sts.googleapis.com/v1/token",
                "credential_source": {
                    "environment_id": "aws1",
                    "region_url": "http://169.254.169.254/latest/meta-data/placement/region",
                    "url": "http://169.254.169.254/latest/meta-data/iam/security-credentials",
                    "regional_cred_verification_url": "https://sts.{region}.amazonaws.com",
                },
            },
            "google.auth.aws",
        ),
    ],
)
def test_each_kind_of_credentials_is_loaded_by_its_own_loader(
    more: dict[str, object], kind: str
) -> None:
    assert type(load(more, ["scope"])).__module__ == kind


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "key", json.dumps({"type": "service_account", "client_email": "e"})]
)
def test_a_secret_of_no_known_form_is_refused_before_any_request(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not|has none|lacks"):
        GoogleSigner(text)
