"""Load by wrk: as many requests as 32 connections can have answered."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import LOAD_CORE, Running
from benchmarks.router import KEY

CONNECTIONS = 32
WARM_UP = 2

CHAT = (
    '{"model":"gpt-4o","messages":[{"role":"system","content":"You are a helpful assistant."},'
    '{"role":"user","content":"Say hello to the benchmark, in one short and friendly sentence."}],'
    '"temperature":0.7,"max_tokens":100}'
)
RESPONSE = (
    '{"model":"gpt-4o","instructions":"You are a helpful assistant.",'
    '"input":"Say hello to the benchmark, in one short and friendly sentence.",'
    '"temperature":0.7,"max_output_tokens":100,"store":false}'
)
BODIES = {"/v1/chat/completions": CHAT, "/v1/responses": RESPONSE}
SCRIPT = """
wrk.method = "POST"
wrk.body = '{body}'
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer {key}"
"""


class Load(NamedTuple):
    """The work of a server under load."""

    requests_per_second: float
    cpu_per_request: float
    """Seconds."""


def load(server: Running, folder: Path, seconds: int, path: str = "/v1/chat/completions") -> Load:
    """Warm a server up and measure it. Raises `RuntimeError` when a request fails."""
    run(server.port, folder, WARM_UP, path)
    before = server.cpu()
    output = run(server.port, folder, seconds, path)
    used = server.cpu() - before
    count = int(found(r"(\d+) requests in", output))
    return Load(float(found(r"Requests/sec:\s+([\d.]+)", output)), used / count)


def run(port: int, folder: Path, seconds: int, path: str) -> str:
    """Return what wrk reports. Raises `RuntimeError` when a request fails."""
    script = folder / "post.lua"
    script.write_text(SCRIPT.format(body=BODIES[path], key=KEY))
    url = f"http://127.0.0.1:{port}{path}"
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "-s", str(script), url]
    output = subprocess.run(
        ["taskset", "-c", str(LOAD_CORE), *command],
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 30,
    ).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(f"requests failed:\n{output}")
    return output


def found(pattern: str, text: str) -> str:
    """The first group of a pattern that has to be there."""
    match = re.search(pattern, text)
    if match is None:
        raise RuntimeError(f"wrk said something else:\n{text}")
    return match[1]
