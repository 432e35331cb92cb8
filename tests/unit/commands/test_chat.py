"""`airouter chat` against a running router."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from support.config import manifest, mock_manifest
from support.router import router_process
from support.web_page import web_page

FIX = " (fix: name the root of a router: --url)"


async def chat(folder: Path, text: str, *arguments: str) -> tuple[int, str, str]:
    """Its exit code, what it printed, and what it complained of."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "airouter", "chat", *arguments),
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(60):
            output, told = await process.communicate(text.encode())
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    return process.returncode, output.decode(), told.decode()


async def test_a_message_is_answered_with_the_master_key_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "router.yaml").write_text(mock_manifest("m"))
    async with router_process(tmp_path, "-f", str(tmp_path / "router.yaml")) as router:
        assert await chat(tmp_path, "Hello there", "--url", router.url) == (0, "Hello there\n", "")
        code, _, told = await chat(tmp_path, "x", "nobody", "--url", router.base_url)
        assert code == 1
        assert told.startswith("404: ")
        assert told.endswith(" (fix: ask for one of: m)\n")
        code, _, told = await chat(tmp_path, "x", "--url", router.url, "--key", "sk-wrong")
        assert code == 2
        assert "fix: give a key of the router, --key or AIROUTER_KEY" in told


async def test_who_asks_by_an_alias_whose_provider_fails_is_told_of_that_alone(
    tmp_path: Path,
) -> None:
    gone = {"name": "gone", "type": "OpenAICompatible", "baseURL": "http://127.0.0.1:1/v1"}
    model = {"name": "m", "aliases": ["known"], "backends": [{"credential": "gone"}]}
    (tmp_path / "router.yaml").write_text(manifest([gone], [model]))
    async with router_process(tmp_path, "-f", str(tmp_path / "router.yaml")) as router:
        code, _, told = await chat(tmp_path, "x", "known", "--url", router.url)
        assert code == 1
        assert told.startswith("50")
        assert "ask for one of" not in told


async def test_a_router_that_does_not_run_is_told_with_a_remedy(tmp_path: Path) -> None:
    code, _, told = await chat(tmp_path, "x", "--url", "http://127.0.0.1:1")
    assert code == 2
    assert told.startswith(
        "no router answers at http://127.0.0.1:1 (fix: start one, airouter serve"
    )


async def test_what_is_no_router_is_told_in_a_line(tmp_path: Path) -> None:
    async with web_page(404) as url:
        code, _, told = await chat(tmp_path, "x", "--url", url)
        assert (code, told) == (2, f"{url}: what answers there is no router: status 404{FIX}\n")
    async with web_page(200) as url:
        code, _, told = await chat(tmp_path, "x", "--url", url)
        assert (code, told) == (2, f"{url}: what answers there is no router: status 200{FIX}\n")
