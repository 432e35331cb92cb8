"""`airouter probe` beside a real router."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from support.config import mock_manifest
from support.router import router_process


async def probe(port: int, *arguments: str) -> tuple[int, str]:
    """Its exit code and what it prints, once the router had the time for an answer."""
    while (said := await probe_once(port, *arguments))[1].endswith("TimeoutError"):
        pass
    return said


async def probe_once(port: int, *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "airouter", "probe", *arguments),
        env={"AIROUTER_PORT": str(port)},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 180)
    assert process.returncode is not None
    return process.returncode, output.decode().strip()


async def test_it_tells_whether_the_router_is_ready(tmp_path: Path) -> None:
    good = tmp_path / "router.yaml"
    good.write_text(mock_manifest("m"))
    async with router_process(tmp_path, "-f", str(good)) as router:
        assert await probe(router.port) == (0, "HTTP/1.1 200 OK")
        assert await probe(router.port, "--path", "/health") == (0, "HTTP/1.1 200 OK")


async def test_a_router_that_is_alive_but_not_ready(tmp_path: Path) -> None:
    async with router_process(tmp_path, "-f", str(tmp_path / "missing.yaml")) as router:
        assert await probe(router.port) == (1, "HTTP/1.1 503 Service Unavailable")
        assert await probe(router.port, "--path", "/health") == (0, "HTTP/1.1 200 OK")


async def test_nobody_listens() -> None:
    assert await probe(1) == (1, "port 1: Connection refused")


async def test_a_port_that_is_none_is_named_without_a_traceback() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "airouter", "probe"),
        env=os.environ | {"AIROUTER_PORT": "abc"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await asyncio.wait_for(process.communicate(), 180)
    assert process.returncode == 2
    assert b"AIROUTER_PORT" in told
    assert b"Traceback" not in told


@pytest.mark.parametrize("options", [[], ["--path", "/health"]])
async def test_what_kubelet_runs_every_few_seconds_imports_next_to_nothing(
    options: list[str],
) -> None:
    code = (
        f"import sys; sys.argv = ['airouter', 'probe', *{options}]\n"
        "import runpy\n"
        "try: runpy.run_module('airouter', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print(sorted({'typer', 'asyncio', 'ssl', 'pydantic'} & set(sys.modules)))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert output.decode().splitlines()[-1] == "[]"
