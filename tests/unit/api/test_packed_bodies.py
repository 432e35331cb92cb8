"""Bodies with a `content-encoding`, at every door for POST."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import zlib
from collections.abc import AsyncIterator, Callable

import brotli
import pytest

from support.config import mock_manifest
from support.in_loop import Served, served
from support.mock_router import MODEL

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LIMIT = 4 << 20


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def brotli_fast(body: bytes) -> bytes:
    packed: bytes = brotli.compress(body, quality=1)
    return packed


def in_two_frames(body: bytes) -> bytes:
    return zstd.compress(body[:9]) + zstd.compress(body[9:])


PACKERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "zstd": ("zstd", zstd.compress),
    "zstd, two frames": ("ZSTD", in_two_frames),
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "deflate, raw": ("deflate", raw_deflate),
    "br": ("br", brotli_fast),
    "both": ("gzip, identity, zstd", lambda body: zstd.compress(gzip.compress(body))),
    "identity": ("identity", bytes),
}
HI = [{"role": "user", "content": "Hi"}]
DOORS: dict[str, dict[str, object]] = {
    "/v1/chat/completions": {"messages": HI},
    "/v1/responses": {"input": "Hi"},
    "/v1/messages": {"messages": HI, "max_tokens": 9},
    "/v1/embeddings": {"input": "Hi"},
    "/v1/messages?beta=true": {"messages": HI, "max_tokens": 9},
    "/v1/conversations": {},
}


@pytest.fixture
async def router() -> AsyncIterator[Served]:
    async with served(mock_manifest(MODEL), max_body_bytes=LIMIT) as router:
        yield router


async def post(
    router: Served, path: str, body: bytes, coding: str, *, chunked: bool = False
) -> tuple[int, str]:
    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 10):
            yield body[at : at + 10]

    sent = pieces() if chunked else body
    headers = {"content-encoding": coding, "content-type": "application/json"}
    response = await router.client.post(path, content=sent, headers=headers)
    error = response.json().get("error") or {}
    return response.status_code, error.get("code") or error.get("message", "")


def packed_hello(door: str, packing: str) -> tuple[bytes, str]:
    coding, pack = PACKERS[packing]
    model = {} if door.endswith("conversations") else {"model": MODEL}
    body = {**model, **DOORS[door]}
    return pack(json.dumps(body).encode()), coding


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("door", DOORS)
async def test_a_packed_body_is_served_at_every_door(
    router: Served, door: str, packing: str, chunked: bool
) -> None:
    body, coding = packed_hello(door, packing)
    assert await post(router, door, body, coding, chunked=chunked) == (200, "")


@pytest.mark.parametrize("packing", ["zstd", "gzip", "deflate", "br"])
async def test_a_packed_body_may_grow_to_the_limit_of_any_other(
    router: Served, packing: str
) -> None:
    coding, pack = PACKERS[packing]
    text = "".join(f"{number} " for number in range(400_000))
    message = {"role": "user", "content": text}
    body = pack(json.dumps({"model": MODEL, "messages": [message]}).encode())
    assert await post(router, "/v1/chat/completions", body, coding) == (200, "")


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("packing", ["zstd", "gzip", "deflate", "br", "both"])
async def test_a_bomb_is_refused_as_a_body_of_its_size_and_holds_nothing(
    router: Served, packing: str, chunked: bool
) -> None:
    coding, pack = PACKERS[packing]
    bomb = pack(bytes(64 << 20))
    found = await post(
        router, "/v1/chat/completions", bomb, coding, chunked=chunked and len(bomb) < 9999
    )
    assert found == (413, "request_too_large")
    async with asyncio.timeout(60):
        while router.router.admission.held.held:  # until the answer's task has ended
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("door", ["/v1/chat/completions", "/v1/chat/completions?a=b"])
@pytest.mark.parametrize("coding", ["lzma", "gzip, compress", "gzip,gzip,gzip,gzip,gzip"])
async def test_an_unknown_coding_is_refused_by_the_names_of_those_that_work(
    router: Served, door: str, coding: str
) -> None:
    headers = {"content-encoding": coding}
    response = await router.client.post(door, content=b"x", headers=headers)
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (415, "unsupported_encoding")
    assert "zstd, br, gzip, deflate" in error["message"]


@pytest.mark.parametrize("packing", ["zstd", "gzip", "deflate", "br"])
@pytest.mark.parametrize("door", ["/v1/chat/completions", "/v1/chat/completions?a=b"])
async def test_a_body_that_is_broken_cut_or_followed_by_more_is_refused(
    router: Served, door: str, packing: str
) -> None:
    body, coding = packed_hello("/v1/chat/completions", packing)
    for broken in (body[:-2], body + b"x", b"junk" + body):
        assert await post(router, door, broken, coding) == (400, "invalid_encoding")


async def test_two_headers_are_read_as_one_list(router: Served) -> None:
    body, _ = packed_hello("/v1/chat/completions", "both")
    lines = [("content-encoding", "gzip"), ("content-encoding", "zstd")]
    response = await router.client.post("/v1/chat/completions", content=body, headers=lines)
    assert response.status_code == 200


async def test_a_stranger_has_nothing_unpacked(router: Served) -> None:
    headers = {"content-encoding": "gzip", "authorization": "Bearer nobody"}
    for door in ("/v1/chat/completions", "/v1/chat/completions?a=b"):
        response = await router.client.post(door, content=b"junk", headers=headers)
        assert response.status_code == 401


async def test_a_window_beyond_what_every_receiver_has_is_refused(router: Served) -> None:
    """RFC 9659: a window of 128 MiB would be memory that nobody holds."""
    wide: dict[int, int] = {zstd.CompressionParameter.window_log: 27}
    packer = zstd.ZstdCompressor(options=wide)
    body = packer.compress(b"{}") + packer.flush()
    found = await post(router, "/v1/chat/completions", body, "zstd")
    assert found == (400, "invalid_encoding")
