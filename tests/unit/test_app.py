"""A snapshot is taken over as a whole or not at all."""

from __future__ import annotations

import msgspec
import pytest

from airouter.app import Router
from airouter.config.findings import Compiled
from airouter.config.snapshot import AWS, Auth, Credential, ResponseStorage, Snapshot
from airouter.serving.account import Account
from support.config import manifest
from support.in_loop import served

MODEL = {"name": "m", "backends": [{"credential": "old"}]}
OLD = manifest(
    [{"name": "old", "type": "OpenAICompatible", "baseURL": "http://127.0.0.1:9/v1"}], [MODEL]
)
NEW = (
    Credential("new", "OpenAICompatible", "http://127.0.0.1:9/v1"),
    Credential("signed", "Bedrock", secret="ABSKkey", aws=AWS("us-east-1")),
)
BROKEN = [
    pytest.param({"storage": ResponseStorage("Redis")}, id="a store that cannot be"),
    pytest.param({"auth": None}, id="no keys"),
]


def offer(router: Router, **fields: object) -> bool:
    snapshot = Snapshot(**{"credentials": NEW, "auth": Auth(), **fields})  # type: ignore[arg-type]
    return router.store.offer(Compiled(snapshot.seal(), ()), "test")


def held(router: Router) -> list[set[str]]:
    """The names of the credentials that something is kept for."""
    pools = {str(key[0]) for key in router.pools._pools}
    return [set(router.in_flight()), pools, {str(signer) for signer in router.identities._signers}]


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_snapshot_that_cannot_be_applied_leaves_no_trace(broken: dict[str, object]) -> None:
    async with served(OLD) as running:
        router = running.router
        serving, load = router.pipeline.serving, router.loads["old"]
        assert not offer(router, **broken)
        assert held(router) == [{"old"}, {"old"}, set()]
        assert router.pipeline.serving is serving
        assert router.loads["old"] is load


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_first_snapshot_that_cannot_be_applied_leaves_none_either(
    broken: dict[str, object],
) -> None:
    async with served(None) as running:
        assert not offer(running.router, **broken)
        assert held(running.router) == [set(), set(), set()]
        assert running.router.pipeline.serving is None


async def test_a_credential_out_of_use_is_forgotten_once_nothing_is_in_flight() -> None:
    async with served(OLD) as running:
        router = running.router
        load = router.loads["old"]
        load.in_flight = 1
        assert offer(router)
        assert set(router.in_flight()) == {"old", "new", "signed"}
        load.in_flight = 0
        assert running.offer(OLD.replace('"old"', '"other"'))
        assert set(router.in_flight()) == {"other"}


async def test_a_url_that_cannot_be_parsed_leaves_out_its_credential_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    wrong = Credential("wrong", "OpenAICompatible", "http://127.0.0.1:port/v1")
    async with served(None) as running:
        assert offer(running.router, credentials=(*NEW, wrong))
        assert set(running.router.unusable()) == {"wrong"}


async def test_a_change_builds_anew_the_credentials_that_it_is_about_and_no_other() -> None:
    kept, rotated = Credential("kept", "OpenAI", secret="sk-1"), NEW[0]
    async with served(None) as running:
        assert offer(running.router, credentials=(kept, rotated))
        before = accounts(running.router)
        after = msgspec.structs.replace(rotated, secret="sk-2")
        assert offer(running.router, credentials=(kept, after))
        assert accounts(running.router)["kept"] is before["kept"]
        assert accounts(running.router)["new"].credential.secret == "sk-2"


def accounts(router: Router) -> dict[str, Account]:
    assert router.pipeline.serving is not None
    return router.pipeline.serving.accounts
