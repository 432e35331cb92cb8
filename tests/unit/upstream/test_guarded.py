"""Connections for a client: to public addresses alone."""

from __future__ import annotations

import asyncio

import pytest

from airouter.upstream.fetching import Fetcher
from support.raw_upstream import raw_upstream
from unit.upstream.site import LOOPBACK, NAME, Names, answering, serving, why


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.8.8.8",
        "168.63.129.16",
        "169.254.169.254",
        "169.254.170.23",
        "172.31.0.1",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::8.8.8.8",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:a9fe:a9fe::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "no address",
    ],
)
async def test_no_address_but_a_public_one_is_connected_to(address: str) -> None:
    for answer in ([address], ["8.8.8.8", address]):
        told = await why(Fetcher(resolve=Names(answer)), "https://rebind.example/")
        assert told == "it has no public address."


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "[::1]", "localhost."]
)
async def test_loopback_is_refused_however_it_is_written(host: str) -> None:
    assert await why(Fetcher(), f"https://{host}/") == "it has no public address."


async def test_a_name_that_does_not_exist_is_told_like_one_of_ours() -> None:
    async def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    for resolve in (unknown, Names([]), Names(["10.0.0.1"])):
        told = await why(Fetcher(resolve=resolve), "https://db.internal.example/")
        assert told == "it has no public address."


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    async with serving(answering()) as site:
        site.names.answers = [LOOPBACK, ["10.9.9.9"]]
        await site.fetcher().fetch(f"{site.root}/")
        assert len(site.names.asked) == 1


async def test_an_address_that_does_not_answer_is_followed_by_the_next() -> None:
    async with serving(answering()) as site:
        site.names.answers = [["127.0.0.2", "127.0.0.1"]]
        assert (await site.fetcher().fetch(f"{site.root}/")).media_type == "image/png"


async def test_a_handshake_that_never_ends_leaves_no_connection_behind() -> None:
    async with raw_upstream() as upstream:
        fetcher = Fetcher([f"{NAME}:{upstream.port}"], resolve=Names(LOOPBACK), timeout=1.5)
        await fetcher.fetch_all([])  # what is loaded for the first time takes longer than that
        asking = asyncio.create_task(why(fetcher, f"https://{NAME}:{upstream.port}/"))
        conversation = await upstream.accept()
        assert await asking == "it took longer than 1.5 seconds."
        async with asyncio.timeout(30):
            await conversation.gone()


async def test_a_name_server_that_hangs_is_left_in_time() -> None:
    async def hang(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    told = await why(Fetcher(resolve=hang, timeout=0.1), "https://a.example/")
    assert told == "it took longer than 0.1 seconds."


async def test_the_proxies_of_the_environment_are_for_providers_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:1")
    async with serving(answering()) as site:
        await site.fetcher().fetch(f"{site.root}/")
    assert len(site.seen) == 1


async def test_the_certificate_must_be_for_the_name_and_not_the_address() -> None:
    async with serving(answering(), "127.0.0.1") as site:
        assert await why(site.fetcher(), f"{site.root}/") == "the connection failed."
        assert site.seen == []
