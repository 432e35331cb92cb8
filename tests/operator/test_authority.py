"""The operator's certificate authority, as it lives in its Secret."""

from __future__ import annotations

import asyncio
import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import trustme

from airouter_operator.kube.errors import NotFound
from airouter_operator.leading.authority import (
    FILE,
    NAME,
    OVERLAP,
    RENEW_BEFORE,
    AuthorityKeeper,
    renewed,
    signer_of,
)
from airouter_operator.leading.certificates import LIFETIME, Authority, new_authority
from support.config import MOCK
from support.control_plane import ControlPlane
from support.resources import MASTER_KEY, routerconfig, secret

DAY = timedelta(days=1)


class Clock:
    """Time that passes when it is said."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


def keeper(plane: ControlPlane, clock: Clock) -> AuthorityKeeper:
    return AuthorityKeeper(plane.client, plane.namespace, ["127.0.0.1", "operator.svc"], clock)


async def handshake(server: AuthorityKeeper, bundle: str) -> None:
    """Connect as a pod would that trusts a bundle. Raises `ssl.SSLError`."""
    listener = await asyncio.start_server(close, "127.0.0.1", 0, ssl=server.tls)
    port = listener.sockets[0].getsockname()[1]
    try:
        trusting = ssl.create_default_context(cadata=bundle)
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
        writer.close()
    finally:
        listener.close()


async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def test_it_is_made_once_and_found_again(plane: ControlPlane) -> None:
    clock = Clock()
    first, second = keeper(plane, clock), keeper(plane, clock)
    await first.refresh()
    await second.refresh()
    assert first.bundle() == second.bundle()
    await handshake(second, first.bundle())


async def test_two_replicas_that_start_at_once_agree(plane: ControlPlane) -> None:
    clock = Clock()
    keepers = [keeper(plane, clock) for _ in range(4)]
    await asyncio.gather(*(each.refresh() for each in keepers))
    assert len({each.bundle() for each in keepers}) == 1


@pytest.mark.parametrize("lost", ["certificate", "key"])
async def test_it_is_made_anew_where_somebody_has_broken_it(plane: ControlPlane, lost: str) -> None:
    broken = msgspec.structs.replace(new_authority(datetime.now(UTC)), **{lost: "broken"})
    await hold(plane, broken)
    server = keeper(plane, Clock())
    await server.refresh()
    await handshake(server, server.bundle())


async def test_one_that_is_broken_takes_none_with_it(plane: ControlPlane) -> None:
    whole, other = (new_authority(datetime.now(UTC)) for _ in range(2))
    await hold(plane, whole, msgspec.structs.replace(other, key=whole.key))
    server = keeper(plane, Clock())
    await server.refresh()
    await handshake(server, whole.certificate)


async def hold(plane: ControlPlane, *authorities: Authority) -> None:
    """Have the Secret hold these."""
    content = json.dumps([msgspec.structs.asdict(authority) for authority in authorities])
    await plane.apply(secret(NAME, **{FILE: content}))


async def test_a_successor_is_trusted_before_it_signs(plane: ControlPlane) -> None:
    clock = Clock()
    server = keeper(plane, clock)
    await server.refresh()
    old = server.bundle()
    clock.now += LIFETIME - RENEW_BEFORE + DAY
    await server.refresh()
    both = server.bundle()
    assert both.startswith(old)
    assert both.count("BEGIN CERTIFICATE") == 2
    await server.refresh()
    assert server.bundle() == both


async def test_a_secret_that_holds_nonsense_is_made_anew(plane: ControlPlane) -> None:
    clock = Clock()
    server = keeper(plane, clock)
    await server.refresh()
    old = server.bundle()
    await plane.patch(
        '{"data": {"authorities.json": "bm9uc2Vuc2U="}}', "secret/airouter-operator-ca"
    )
    await server.refresh()
    assert server.bundle() != old
    await handshake(server, server.bundle())
    with pytest.raises(ssl.SSLError):
        await handshake(server, old)


def test_the_whole_life_of_authorities() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    authorities = renewed([], now)
    (first,) = authorities
    assert signer_of(authorities, now) == first
    assert renewed(authorities, now + LIFETIME - RENEW_BEFORE - DAY) == authorities

    later = now + LIFETIME - RENEW_BEFORE + DAY
    authorities = renewed(authorities, later)
    _, second = authorities
    assert signer_of(authorities, later) == first
    assert signer_of(authorities, later + OVERLAP) == second

    end = now + LIFETIME + DAY
    assert renewed(authorities, end) == [second]
    assert signer_of([second], end) == second


def test_an_authority_does_not_show_its_key() -> None:
    authority = new_authority(datetime.now(UTC))
    assert "PRIVATE" not in repr(authority)


async def test_routers_know_the_operator_by_a_certificate_that_somebody_else_has_issued(
    plane: ControlPlane, tmp_path: Path
) -> None:
    folder, authority = tmp_path / "tls", trustme.CA()
    folder.mkdir()
    await plane.apply(routerconfig(MOCK, models={"m": "mock"}), secret("keys", master=MASTER_KEY))
    async with plane.operator_process(TLS_DIR=str(folder)) as operator:
        await operator.until_logged("has no tls.crt (fix: see the Certificate that issues it)")
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
            folder / "tls.crt"
        )
        (folder / "tls.key").write_bytes((folder / "tls.crt").read_bytes())
        authority.cert_pem.write_to_path(folder / "ca.crt")
        await operator.until_listening()
        async with plane.router():
            await plane.until_condition("Programmed", "True", "Programmed")
    with pytest.raises(NotFound):
        await plane.secret(NAME)
