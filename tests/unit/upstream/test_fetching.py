"""What a client refers to by URL, fetched from loopback where that is allowed."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip

import pytest
from aiohttp import web

from airouter.failures import Failure, overloaded
from airouter.upstream.fetching import MOST_AT_ONCE, MOST_URLS, Fetcher
from support.raw_upstream import raw_upstream
from unit.upstream.site import LOOPBACK, NAME, PNG, Handler, Names, answering, serving, why


@pytest.mark.parametrize("name", [NAME, None])
async def test_content_comes_as_base64_with_its_media_type(name: str | None) -> None:
    async with serving(answering(kind="Image/PNG; charset=binary"), name) as site:
        media = await site.fetcher().fetch(f"{site.root}/a%20b.png?x=1#top")
    assert (media.media_type, base64.b64decode(media.data or "")) == ("image/png", PNG)
    (request,) = site.seen
    assert request.raw_path == "/a%20b.png?x=1"
    assert {n.lower() for n in request.headers} == {
        "host",
        "accept",
        "accept-encoding",
        "user-agent",
    }
    assert request.headers["host"] == site.place


async def test_an_image_that_is_named_twice_is_fetched_once() -> None:
    async with serving(answering()) as site:
        urls = [f"{site.root}/a", f"{site.root}/b", f"{site.root}/a"]
        assert list(await site.fetcher().fetch_all(urls)) == urls[:2]
    assert len(site.seen) == 2


async def test_one_url_that_cannot_be_had_fails_the_request() -> None:
    async with serving(answering()) as site:
        with pytest.raises(Failure, match="only https URLs"):
            await site.fetcher().fetch_all([f"{site.root}/a", "http://elsewhere.example/"])
        assert site.names.asked == []


async def test_a_request_refers_to_so_many_urls_at_most() -> None:
    urls = [f"https://a.example/{n}" for n in range(MOST_URLS + 1)]
    with pytest.raises(Failure, match=f"more than {MOST_URLS} URLs"):
        await Fetcher().fetch_all(urls)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://a.example/", "only https URLs"),
        ("ftp://a.example/", "only https URLs"),
        ("file:///etc/passwd", "only https URLs"),
        ("data:image/png;base64,AAAA", "only https URLs"),
        ("gs://bucket/a.png", "only https URLs"),
        ("a.png", "only https URLs"),
        ("", "only https URLs"),
        ("https://", "only https URLs"),
        ("https://user:password@a.example/", "credentials"),
        ("https://user@a.example/", "credentials"),
        ("https://a.example:8443/", "only port 443"),
        ("https://a.example:80/", "only port 443"),
        ("https://a.example:99999/", "only port 443"),
        ("https://0177.0.0.1/", "cannot be read"),
        ("https://a.example:x/", "cannot be read"),
        ("https://[::1/", "cannot be read"),
        ("https://xn--/", "cannot be read"),
        ("https://a.example/" + "x" * 9000, "cannot be read"),
        ("https://a.example/\r\nhost: b", "cannot be read"),
    ],
)
async def test_a_url_of_another_kind_is_refused_before_its_name_is_resolved(
    url: str, reason: str
) -> None:
    names = Names(LOOPBACK)
    assert reason in await why(Fetcher(resolve=names), url)
    assert names.asked == []


async def test_an_allowed_place_is_one_host_and_one_port() -> None:
    async with serving(answering(), None) as site:
        port = int(site.place.partition(":")[2])
        for url in (f"http://other.example:{port}/", f"http://{NAME}:{port + 1}/"):
            assert "only https URLs" in await why(site.fetcher(), url)
        userinfo = site.root.replace("//", "//u:p@")
        assert "credentials" in await why(site.fetcher(), userinfo)


async def test_an_allowed_host_without_a_port_has_the_standard_ones() -> None:
    fetcher = Fetcher([NAME], resolve=Names(["127.0.0.1"]))
    assert "only https URLs" in await why(fetcher, f"http://{NAME}:8080/")
    assert await why(fetcher, f"http://{NAME}/") == "the connection failed."


@pytest.mark.parametrize("entry", ["", "http://a.example", "a.example/b", "u@a.example", "a:b"])
def test_an_allow_list_of_anything_but_hosts_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match=r"not a host|Port"):
        Fetcher([entry])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_followed_without_its_cookies(status: int) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/a":
            moved = {"location": "/b?c=d", "set-cookie": "session=1"}
            return web.Response(status=status, headers=moved)
        return web.Response(body=PNG, content_type="image/png")

    async with serving(answer) as site:
        await site.fetcher().fetch(f"{site.root}/a")
    assert [request.raw_path for request in site.seen] == ["/a", "/b?c=d"]
    assert "cookie" not in site.seen[1].headers


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data", "only https URLs can be fetched."),
        ("https://169.254.169.254/latest/meta-data", "it has no public address."),
        ("https://secret.internal.example/", "it has no public address."),
        ("https://u:p@a.example/", "it has credentials in it."),
        ("//secret.internal.example:8443/", "only port 443 can be used."),
        ("file:///etc/passwd", "only https URLs can be fetched."),
        ("https://a.example:x/", "it cannot be read."),
        ("https://xn--/", "it cannot be read."),
    ],
)
async def test_a_redirect_leads_nowhere_that_the_url_could_not(location: str, reason: str) -> None:
    async with serving(answering(status=302, location=location)) as site:
        site.names.answers = [LOOPBACK, ["10.0.0.1"]]
        with pytest.raises(Failure) as caught:
            await site.fetcher().fetch(f"{site.root}/")
    assert caught.value.message.endswith(reason)
    assert NAME in caught.value.message
    assert "internal" not in caught.value.message


async def test_redirects_end() -> None:
    async with serving(answering(status=302, location="/again")) as site:
        assert await why(site.fetcher(), f"{site.root}/") == "it redirects more than 3 times."
    assert len(site.seen) == 4


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (answering(status=404), "it answered with status 404."),
        (answering(status=302), "it answered with status 302."),
        (answering(kind="nonsense"), "it does not say of what type it is."),
        (answering(PNG, content_encoding="gzip"), "its compressed content cannot be read."),
        (answering(PNG, content_encoding="br"), "its compressed content cannot be read."),
        (
            answering(gzip.compress(PNG)[:-9], content_encoding="gzip"),
            "its compressed content cannot be read.",
        ),
    ],
)
async def test_an_answer_that_is_no_content_is_told(handler: Handler, reason: str) -> None:
    async with serving(handler) as site:
        assert await why(site.fetcher(), f"{site.root}/") == reason


async def test_content_that_is_compressed_unasked_is_decompressed() -> None:
    async with serving(answering(gzip.compress(PNG), content_encoding="gzip")) as site:
        media = await site.fetcher().fetch(f"{site.root}/")
    assert base64.b64decode(media.data or "") == PNG


async def test_content_that_is_too_large_when_decompressed_is_refused() -> None:
    bomb = gzip.compress(b"\0" * 3_000_000)
    async with serving(answering(bomb, content_encoding="gzip")) as site:
        told = await why(site.fetcher(max_bytes=1_000_000), f"{site.root}/")
    assert told in {"it is larger than 1000000 bytes.", "its compressed content cannot be read."}


async def test_content_is_refused_by_its_announced_size_without_being_read() -> None:
    async with raw_upstream() as upstream:
        fetcher = Fetcher([f"{NAME}:{upstream.port}"], resolve=Names(LOOPBACK), max_bytes=1000)
        url = f"http://{NAME}:{upstream.port}/"
        asking = asyncio.create_task(why(fetcher, url))
        conversation = await upstream.accept()
        await conversation.say(b"HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n")
        assert await asking == "it is larger than 1000 bytes."
        await conversation.gone()


async def test_content_of_unknown_size_is_read_up_to_the_limit() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "image/png"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x" * 500)
        return response

    async with serving(endless) as site:
        told = await why(site.fetcher(max_bytes=10_000), f"{site.root}/")
    assert told == "it is larger than 10000 bytes."


async def test_a_server_that_drips_is_left_in_time() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "image/png"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b"x")
                await asyncio.sleep(0.01)
        return response

    async with serving(drip) as site:
        told = await why(site.fetcher(timeout=0.2), f"{site.root}/")
    assert told == "it took longer than 0.2 seconds."


async def test_so_many_are_fetched_at_once() -> None:
    here, most = 0, 0
    full = asyncio.Event()

    async def hold(_: web.Request) -> web.Response:
        nonlocal here, most
        here += 1
        most = max(most, here)
        if here == MOST_AT_ONCE // 2:
            full.set()
        await full.wait()
        await asyncio.sleep(0)
        here -= 1
        return web.Response(body=b"x", content_type="image/png")

    async with serving(hold, None) as site:
        urls = [f"{site.root}/{n}" for n in range(MOST_AT_ONCE + 8)]
        await site.fetcher().fetch_all(urls, "a client")
    assert most == MOST_AT_ONCE // 2


async def test_a_client_that_fetches_what_never_comes_leaves_places_to_others() -> None:
    never, quick = asyncio.Event(), asyncio.Event()

    async def hold(request: web.Request) -> web.Response:
        if "quick" not in request.path:
            quick.set()
            await never.wait()
        return web.Response(body=b"x", content_type="image/png")

    async with serving(hold, None) as site:
        fetcher = site.fetcher()
        urls = [f"{site.root}/{n}" for n in range(MOST_URLS)]
        greedy = asyncio.create_task(fetcher.fetch_all(urls, "greedy"))
        await quick.wait()
        async with asyncio.timeout(30):
            assert await fetcher.fetch_all([f"{site.root}/quick"], "modest")
        never.set()
        await greedy


async def test_content_is_held_as_it_comes_and_no_more_is_read_than_may_be() -> None:
    held: list[int] = []

    def hold(size: int) -> None:
        held.append(size)
        if sum(held) > 400_000:
            raise overloaded()

    async with serving(answering(b"x" * 10_000_000)) as site:
        with pytest.raises(Failure) as caught:
            await site.fetcher().fetch_all([f"{site.root}/a", f"{site.root}/b"], "a", hold)
    assert caught.value.status == 503
    assert sum(held) < 2_000_000
