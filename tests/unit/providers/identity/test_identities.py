"""Signers across reloads, and what a router without them need not load."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator

import msgspec
import pytest

from airouter.config.snapshot import AWS, Credential
from airouter.providers.identity import Identities
from airouter.providers.identity.base import Signer
from airouter.providers.registry import load_providers

HOST = "bedrock-runtime.us-east-1.amazonaws.com"
BEDROCK = Credential(name="b", type="Bedrock", secret="ABSKkey", aws=AWS("us-east-1"))


PROVIDERS = load_providers()


def signer_for(identities: Identities, credential: Credential, host: str) -> Signer | None:
    return identities.signer_for(PROVIDERS[credential.type], credential, host)


@pytest.fixture
async def identities() -> AsyncIterator[Identities]:
    identities = Identities()
    yield identities
    identities.close()


async def test_most_providers_need_no_signer(identities: Identities) -> None:
    assert signer_for(identities, Credential(name="o", type="OpenAI", secret="k"), "h") is None


async def test_a_reload_keeps_the_signer_of_an_unchanged_identity(identities: Identities) -> None:
    signer = signer_for(identities, BEDROCK, HOST)
    changed = msgspec.structs.replace(BEDROCK, labels={"team": "a"})
    assert signer_for(identities, changed, HOST) is signer


@pytest.mark.parametrize(
    "change",
    [{"secret": "ABSKother"}, {"aws": AWS("eu-west-1")}, {"name": "c"}],
)
async def test_a_changed_identity_has_another_signer(
    identities: Identities, change: dict[str, object]
) -> None:
    signer = signer_for(identities, BEDROCK, HOST)
    assert signer_for(identities, msgspec.structs.replace(BEDROCK, **change), HOST) is not signer


async def test_another_host_has_another_signer(identities: Identities) -> None:
    assert signer_for(identities, BEDROCK, HOST) is not signer_for(identities, BEDROCK, "other")


async def test_what_is_out_of_use_is_let_go(identities: Identities) -> None:
    signer = signer_for(identities, BEDROCK, HOST)
    identities.keep_only([])
    assert signer_for(identities, BEDROCK, HOST) is not signer


async def test_a_region_is_needed(identities: Identities) -> None:
    with pytest.raises(ValueError, match="'b' has no region"):
        signer_for(identities, msgspec.structs.replace(BEDROCK, aws=None), HOST)


def test_a_router_without_clouds_loads_none_of_their_libraries() -> None:
    code = (
        "import sys, airouter.providers.identity, airouter.upstream.fetching\n"
        "import airouter.providers.registry as registry; registry.load_providers()\n"
        "print({'botocore', 'google.auth', 'requests', 'httpx', 'httpcore'} & set(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert found.stdout == "set()\n"
