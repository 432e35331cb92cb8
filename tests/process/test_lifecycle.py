"""A router process from its start to its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from support.config import MASTER_KEY, mock_manifest
from support.http_client import PATIENCE, http_client
from support.router import RouterProcess, router_process

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello!"}]


def client_of(router: RouterProcess) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=router.base_url, api_key=MASTER_KEY, max_retries=0)


async def begin(client: openai.AsyncOpenAI, model: str) -> openai.AsyncStream[ChatCompletionChunk]:
    """A stream whose first chunk is here."""
    stream = await client.chat.completions.create(model=model, messages=HELLO, stream=True)
    await anext(aiter(stream))
    return stream


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A model whose streams take about a second."""
    path = tmp_path / "router.yaml"
    path.write_text(mock_manifest("slow", reply="tokens:20", tokensPerSecond=20))
    return path


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A model whose streams take longer than any test."""
    path = tmp_path / "router.yaml"
    path.write_text(mock_manifest("endless", reply="tokens:9999", tokensPerSecond=10))
    return path


async def test_it_serves_soon_after_its_start(tmp_path: Path) -> None:
    async with router_process(tmp_path):
        pass  # once, so that bytecode is there
    start = time.monotonic()
    async with router_process(tmp_path) as router:
        assert (await router.health())["status"] == "ok"
        assert time.monotonic() - start < 30  # a second, but for a loaded machine


async def test_streams_that_run_at_sigterm_all_finish_and_it_ends_with_zero(
    tmp_path: Path, slow: Path
) -> None:
    async with router_process(tmp_path, "-f", str(slow)) as router, client_of(router) as client:

        async def rest_of(stream: openai.AsyncStream[ChatCompletionChunk]) -> str:
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

        streams = await asyncio.gather(*(begin(client, "slow") for _ in range(50)))
        router.signal(signal.SIGTERM)
        answers = await asyncio.gather(*map(rest_of, streams))
        assert all(answer.endswith("word20") for answer in answers)
        assert await router.wait() == 0


async def test_a_draining_router_is_not_ready_and_still_serves(tmp_path: Path) -> None:
    async with router_process(tmp_path, AIROUTER_DRAIN_GRACE="3600") as router:
        async with http_client(base_url=router.url) as client:
            assert (await client.get("/vhealth")).status_code == 200
            router.signal(signal.SIGTERM)
            while (await client.get("/vhealth")).status_code == 200:
                await asyncio.sleep(0.01)
            assert (await client.get("/health")).json()["status"] == "draining"
            answer = await client.post(
                "/v1/chat/completions",
                headers={"authorization": "Bearer sk-airouter-demo"},
                json={"model": "mock-echo", "messages": HELLO},
            )
            assert answer.status_code == 200
            assert answer.headers["connection"] == "close"
        router.signal(signal.SIGTERM)
        await router.wait()


async def test_a_second_signal_ends_it_at_once(tmp_path: Path, endless: Path) -> None:
    async with router_process(tmp_path, "-f", str(endless)) as router, client_of(router) as client:
        stream = await begin(client, "endless")
        router.signal(signal.SIGTERM)
        await router.until_logged("draining: SIGTERM (a second one ends requests under way)")
        router.signal(signal.SIGTERM)
        await router.wait()
        await stream.close()


async def test_a_second_signal_ends_a_session_at_once(tmp_path: Path, endless: Path) -> None:
    async with (
        router_process(tmp_path, "-f", str(endless)) as router,
        client_of(router) as client,
        client.responses.connect() as session,
    ):
        await session.response.create(model="endless", input="Hello!")
        await anext(aiter(session))
        router.signal(signal.SIGTERM)
        await router.until_logged("draining: SIGTERM (a second one ends requests under way)")
        router.signal(signal.SIGTERM)
        await router.wait()
        assert "Traceback" not in router.log


async def test_an_idle_router_ends_at_once_by_an_interrupt(tmp_path: Path) -> None:
    async with (
        router_process(tmp_path, AIROUTER_DRAIN_GRACE="3600") as router,
        http_client(base_url=router.url) as client,
    ):
        assert (await client.get("/vhealth")).status_code == 200
        router.signal(signal.SIGINT)
        assert await router.wait() == 0


async def test_requests_under_way_at_an_interrupt_finish_and_a_second_one_cuts_them(
    tmp_path: Path, endless: Path
) -> None:
    async with router_process(tmp_path, "-f", str(endless)) as router, client_of(router) as client:
        stream = await begin(client, "endless")
        router.signal(signal.SIGINT)
        await router.until_logged("draining: SIGINT (a second one ends requests under way)")
        await anext(aiter(stream))
        router.signal(signal.SIGINT)
        await router.wait()
        await stream.close()


async def test_streams_that_outlive_the_deadline_are_cut(tmp_path: Path, endless: Path) -> None:
    async with (
        router_process(tmp_path, "-f", str(endless), AIROUTER_DRAIN_DEADLINE="1") as router,
        client_of(router) as client,
    ):
        stream = await begin(client, "endless")
        router.signal(signal.SIGTERM)
        assert await router.wait() == 0
        await stream.close()


async def test_a_port_that_is_taken_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    with listener() as taken, pytest.raises(AssertionError, match="the router ended"):
        async with router_process(tmp_path, "--port", str(taken.getsockname()[1])):
            pass
    (told,) = [json.loads(line) for line in last_log(tmp_path) if '"error"' in line]
    assert "address already in use" in told["message"]
    assert "fix: end the process that listens there, or choose another" in told["message"]
    assert "Traceback" not in "".join(last_log(tmp_path))


async def test_a_mistyped_setting_is_told_with_the_one_that_is_meant(tmp_path: Path) -> None:
    told = {"AIROUTER_LOG_LEVLE": "debug", "AIROUTER_MAX_BODY": "1"}
    fine = {
        "AIROUTER_SERVICE_HOST": "10.0.0.1",
        "AIROUTER_OPERATOR_WATCH": "*",
        "AIROUTER_KEY": "x",
    }
    async with router_process(tmp_path, **told, **fine) as router:
        warned = re.findall(r"(AIROUTER_\w+) sets nothing \(fix: use (\w+)\)", router.log)
    assert warned == [
        ("AIROUTER_LOG_LEVLE", "AIROUTER_LOG_LEVEL"),
        ("AIROUTER_MAX_BODY", "AIROUTER_MAX_BODY_BYTES"),
    ]


def last_log(folder: Path) -> list[str]:
    """The lines of what a router wrote to standard error."""
    (log,) = folder.glob("router-*.err")
    return log.read_text().splitlines()


@contextlib.contextmanager
def listener() -> Iterator[socket.socket]:
    """A port that is taken."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken


async def test_a_file_that_cannot_be_served_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "router.yaml"
    async with (
        router_process(tmp_path, "-f", str(path)) as router,
        http_client(base_url=router.url) as client,
    ):
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/vhealth")).status_code == 503
        refused = await client.get("/v1/models")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "not_ready")
        path.write_text(mock_manifest("here"))
        await router.until_live("")
        assert (await client.get("/vhealth")).status_code == 200


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this kernel has no IPv6")
async def test_one_setting_serves_both_families(tmp_path: Path) -> None:
    path = tmp_path / "router.yaml"
    path.write_text(mock_manifest("m"))
    async with (
        router_process(tmp_path, "-f", str(path), "--host", "::") as router,
        http_client() as client,
    ):
        for host in ("127.0.0.1", "[::1]"):
            assert (await client.get(f"http://{host}:{router.port}/vhealth")).status_code == 200


async def test_an_explicit_address_is_the_only_one(tmp_path: Path) -> None:
    path = tmp_path / "router.yaml"
    path.write_text(mock_manifest("m"))
    async with (
        router_process(tmp_path, "-f", str(path), "--host", "127.0.0.1") as router,
        http_client() as client,
    ):
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://[::1]:{router.port}/vhealth")


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "airouter", "serve", "--host", "::", "--port", port),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, told = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode == 3
        assert f"port {port}: Address already in use" in told.decode()
