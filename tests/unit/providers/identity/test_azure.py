"""Access tokens of Microsoft Entra, from a token endpoint on loopback."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from airouter.providers.identity.azure import AzureSigner
from airouter.providers.identity.base import IdentityError
from support.clouds import Entra
from support.config import manifest
from support.in_loop import served
from support.raw_upstream import raw_upstream

TOKEN = b"authorization: Bearer token-1\r\n"


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("eyJ.first\n")
    return file


async def test_a_pod_gets_a_token_for_that_of_its_service_account(
    entra: Entra, proof: Path
) -> None:
    signer = AzureSigner(entra.environ(proof))
    assert await signer.sign(b"/", b"{}") == (b"/", TOKEN)
    proof.write_text("eyJ.second")
    signer.accept(await asyncio.to_thread(signer.fetch))
    assert [asked["client_assertion"] for asked in entra.asked] == ["eyJ.first", "eyJ.second"]


async def test_a_refusal_is_told_by_its_code_and_nothing_that_it_quotes(
    entra: Entra, proof: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entra.refusal = "AADSTS700213: no matching federated identity record for eyJ.first"
    signer = AzureSigner(entra.environ(proof), name="a")
    with pytest.raises(IdentityError, match="'a': Azure refused with 'invalid_client'") as caught:
        await signer.sign(b"/", b"{}")
    assert "eyJ" not in caplog.text + str(caught.value)
    assert "has a federated credential" in caplog.text


async def test_what_cannot_be_read_or_reached_is_told_without_its_address(
    entra: Entra, proof: Path
) -> None:
    nowhere = {**entra.environ(proof), "AZURE_AUTHORITY_HOST": "http://127.0.0.1:1"}
    with pytest.raises(IdentityError, match=r"Azure: it could not be reached \(ConnectError\)$"):
        await AzureSigner(nowhere).sign(b"/", b"{}")
    proof.unlink()
    with pytest.raises(IdentityError, match="the file of the pod's token cannot be read"):
        await AzureSigner(entra.environ(proof)).sign(b"/", b"{}")


@pytest.mark.parametrize("variable", ["AZURE_CLIENT_ID", "AZURE_TENANT_ID"])
def test_half_an_identity_names_what_is_missing(variable: str, proof: Path) -> None:
    environ = {**Entra().environ(proof), variable: ""}
    with pytest.raises(ValueError, match=f"{variable} is not"):
        AzureSigner(environ)


async def test_a_credential_without_a_key_asks_by_the_identity_of_the_pod(
    entra: Entra, proof: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in entra.environ(proof).items():
        monkeypatch.setenv(name, value)
    async with raw_upstream() as upstream:
        url = f"http://127.0.0.1:{upstream.port}"
        credential = {"name": "azure", "type": "AzureOpenAI", "baseURL": url}
        models = [{"name": "m", "backends": [{"credential": "azure"}]}]
        async with served(manifest([credential], models)) as router:
            asking = asyncio.create_task(router.chat())
            head, _, _ = (await (await upstream.accept()).request()).partition(b"\r\n\r\n")
            asking.cancel()
    assert TOKEN.strip() in head.split(b"\r\n")
    assert b"api-key" not in head
