"""The operator as a process, without an API server."""

import asyncio
import os
import resource
import sys
from pathlib import Path

KUBECONFIG = """
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: t}}]
current-context: c
"""
FEW = 256


async def test_every_pod_may_be_connected_where_a_process_may_open_few_files(
    tmp_path: Path,
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG)
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", f'ulimit -Sn {FEW}; exec "$0" -m airouter_operator', sys.executable),
        env={**os.environ, "AIROUTER_OPERATOR_KUBECONFIG": str(kubeconfig)},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            assert b"waiting for it" in await process.stderr.readline()
        soft, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        assert (soft > FEW) or hard == FEW
    finally:
        process.kill()
        await process.communicate()
