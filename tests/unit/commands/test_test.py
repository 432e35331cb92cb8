"""`airouter test`: one call by each credential, to a provider that refuses and one that answers."""

import asyncio
import sys
from pathlib import Path

from support.chat_provider import ANSWER, body_of, credential, http
from support.chat_provider import answer as answer_next
from support.config import manifest
from support.raw_upstream import raw_upstream

KEY = "sk-upstream-secret-0123456789"
REFUSAL = {"error": {"message": f"Incorrect API key provided: {KEY}.", "code": "invalid_api_key"}}


async def run_test(folder: Path, text: str, *arguments: str) -> tuple[int, str]:
    """Its exit code and its lines."""
    path = folder / "router.yaml"
    path.write_text(text)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "airouter", "test", *arguments),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(60):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_each_credential_is_called_and_a_failure_has_the_providers_words(
    tmp_path: Path,
) -> None:
    async with raw_upstream() as good, raw_upstream() as bad:
        credentials = [credential("good", good), credential("bad", bad, priority=1)]
        backends = [{"credential": name, "upstreamName": "real-m"} for name in ("good", "bad")]
        text = manifest(
            credentials, [{"name": "m", "backends": backends}], secrets={"upstream": KEY}
        )
        async with asyncio.TaskGroup() as group:
            ended = group.create_task(run_test(tmp_path, text))
            asked = group.create_task(answer_next(good, http(200, ANSWER)))
            group.create_task(answer_next(bad, http(401, REFUSAL)))
    code, output = ended.result()
    assert code == 1
    assert body_of(asked.result()[1])["model"] == "real-m"
    assert "ok      good/real-m (chat)" in output
    assert "FAILED  bad/real-m (chat)" in output
    assert "401: Incorrect API key provided: ***" in output
    assert KEY not in output
    assert "2 calls, 1 failed" in output


async def test_nobody_listens(tmp_path: Path) -> None:
    async with raw_upstream() as gone:
        text = manifest(
            [credential("gone", gone)],
            [{"name": "m", "backends": [{"credential": "gone"}]}],
            secrets={"upstream": KEY},
        )
    code, output = await run_test(tmp_path, text, "m")
    assert code == 1
    assert "FAILED  gone/m (chat)" in output
    assert "no connection" in output


async def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with raw_upstream() as upstream:
        text = manifest(
            [credential("c", upstream)],
            [{"name": "m", "backends": [{"credential": "c"}]}],
            secrets={"upstream": KEY},
        )
        assert await run_test(tmp_path, text, "n") == (2, "there is no model n\n")
