"""A first trial: from the built wheel to an answer of a provider, as a newcomer goes the way."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from sysconfig import get_path

import pytest

from contract.services.openai.answers import Turn
from contract.services.openai.service import OpenAIService, openai_service
from support.ports import free_port

ROOT = Path(__file__).parents[2]
PATIENCE = 300.0


async def run(*command: str, folder: Path, text: str = "", **environ: str) -> tuple[int, str]:
    """Its exit code, and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**clean_environment(), **environ},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            output, _ = await process.communicate(text.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, output.decode()


def clean_environment() -> dict[str, str]:
    """The environment without this checkout, and without keys of providers."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    kept.pop("PYTHONPATH", None)
    return kept


async def installed(folder: Path) -> str:
    """The command of a wheel in an environment of its own, whose dependencies are ours."""
    python = str(folder / "venv" / "bin" / "python")
    wheels = folder / "wheels"
    built = await run(
        sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels), folder=ROOT
    )
    assert built[0] == 0, built[1]
    made = await run(
        sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"), folder=folder
    )
    assert made[0] == 0, made[1]
    _, site = await run(
        python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=folder
    )
    (Path(site.strip()) / "dependencies.pth").write_text(get_path("purelib"))
    (wheel,) = wheels.glob("*.whl")
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps")
    put = await run(*pip, "--force-reinstall", str(wheel), folder=folder)
    assert put[0] == 0, put[1]
    return str(folder / "venv" / "bin" / "airouter")


@pytest.fixture
async def provider() -> AsyncIterator[OpenAIService]:
    async with openai_service() as service:
        yield service


async def test_a_newcomer_comes_from_the_wheel_to_an_answer_of_a_provider(
    tmp_path: Path, provider: OpenAIService
) -> None:
    airouter = await installed(tmp_path)
    keys = {"OPENAI_API_KEY": provider.key, "OPENAI_BASE_URL": provider.base_url}

    code, output = await run(airouter, "init", folder=tmp_path, **keys)
    assert code == 0, output
    assert output.startswith("router.yaml serves OpenAI (OPENAI_API_KEY)\n")

    code, output = await run(airouter, "check", "router.yaml", "--strict", folder=tmp_path, **keys)
    assert code == 0, output

    code, output = await run(airouter, "test", "gpt-4o-mini", folder=tmp_path, **keys)
    assert code == 0, output
    assert "ok      openai/gpt-4o-mini (chat)" in output

    port = str(free_port())
    router = await asyncio.create_subprocess_exec(
        *(airouter, "serve", "-f", "router.yaml", "--port", port),
        cwd=tmp_path,
        env={**clean_environment(), **keys, "AIROUTER_DRAIN_GRACE": "0"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert router.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while b"listening on" not in await router.stderr.readline():
                assert router.returncode is None
        url = f"http://127.0.0.1:{port}"
        provider.turns.append(Turn(text="Good morning"))
        code, output = await run(
            airouter, "chat", "gpt-4o-mini", "--url", url, folder=tmp_path, text="Hello there"
        )
        assert (code, output.strip()) == (0, "Good morning")
        code, output = await run(airouter, "top", "--once", "--url", url, folder=tmp_path)
        assert re.search(r"^gpt-4o-mini +1 +0 ", output, re.MULTILINE), output
    finally:
        if router.returncode is None:
            router.kill()
        await router.wait()
    assert [asked.body["model"] for asked in provider.journal] == ["gpt-4o-mini", "gpt-4o-mini"]
