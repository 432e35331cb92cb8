"""The processes: router and echo on one core, all that is theirs on the other."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.hostile.asking import ROUTER, Answer, read_answers
from benchmarks.processes import LOAD_CORE, ROOT, SERVER_CORE, Running, free_port, python, running

HOSTILE, GOOD = "sk-hostile", "sk-good"
LONGEST = 120.0
"""Seconds of one input."""
AFTERWARDS = 1.0
"""Seconds after an input in which small answers count as its own."""


@dataclass(frozen=True)
class Stage:
    """A router that is under attack, and what is known of it."""

    router: Running
    config: Path
    answers: Path
    log: Path

    def attack(self, name: str) -> subprocess.Popen[bytes]:
        """Begin to send an input."""
        command = python("benchmarks.hostile.attack", self.router.port, HOSTILE, name)
        nice = ["nice", "-n", "10", "taskset", "-c", str(LOAD_CORE)]
        return subprocess.Popen([*nice, *command], cwd=ROOT, stderr=subprocess.DEVNULL)

    def forget_peak(self) -> None:
        """Have the kernel count the router's peak of memory from now on (proc(5))."""
        Path(f"/proc/{self.router.process.pid}/clear_refs").write_text("5")

    def peak(self) -> int:
        """Return the most resident bytes since then."""
        status = Path(f"/proc/{self.router.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) << 10

    def answers_since(self, start: float, of: str = ROUTER) -> list[Answer]:
        """Return the small answers that were due since then."""
        return [each for each in read_answers(self.answers) if each.due >= start and each.of == of]

    def until_answered(self, due: float) -> None:
        """Wait until a small answer that was due at a time has come: then all before it have."""
        deadline = time.monotonic() + LONGEST
        while not any(each.due >= due for each in self.answers_since(due)):
            if time.monotonic() > deadline:
                raise RuntimeError("the router does not answer any more")
            time.sleep(0.1)

    def reload(self, number: int) -> None:
        """Change the configuration of the router."""
        self.config.write_text(
            manifest(json.loads(self.config.with_suffix(".port").read_text()), number)
        )


def manifest(provider: int, number: int = 0) -> str:
    """Return a configuration with two clients, and models that are passed, translated, mocked."""
    url = f"http://127.0.0.1:{provider}"
    key = {"secretRef": {"name": "keys", "key": "upstream"}}
    credentials: list[dict[str, Any]] = [
        {"name": "passed", "type": "OpenAICompatible", "baseURL": f"{url}/v1", **key},
        {"name": "translated", "type": "Anthropic", "baseURL": url, **key},
        {"name": "mocked", "type": "Mock"},
    ]
    models = [
        {"name": each["name"], "backends": [{"credential": each["name"], "upstreamName": "m"}]}
        for each in credentials
    ]
    clients = [
        {"name": name, "secretRef": {"name": "keys", "key": name}} for name in ("hostile", "good")
    ]
    spec = {
        "credentials": credentials,
        "models": [*models, {**models[-1], "name": f"mocked-{number}"}],
        "auth": {"clients": clients},
        "responses": {"storage": {"type": "Memory"}},
    }
    secrets = {"upstream": "sk-upstream", "hostile": HOSTILE, "good": GOOD}
    kinds = (
        ("airouter.dev/v1alpha1", "RouterConfig", "hostile", {"spec": spec}),
        ("v1", "Secret", "keys", {"stringData": secrets}),
    )
    return "\n---\n".join(
        json.dumps({"apiVersion": api, "kind": kind, "metadata": {"name": name}, **rest})
        for api, kind, name, rest in kinds
    )


@contextlib.contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Start everything; small answers are asked for until the end."""
    port, provider, echo = free_port(), free_port(), free_port()
    config, answers, log = (folder / name for name in ("router.yaml", "answers", "router.log"))
    config.write_text(manifest(provider))
    config.with_suffix(".port").write_text(str(provider))
    command = python("airouter", "serve", "-f", config, "--port", port, "--log-level", "warning")
    serve = python("benchmarks.hostile.provider")
    other = folder / "other.log"
    with (
        running([*serve, str(provider)], provider, core=LOAD_CORE, log=other),
        running([*serve, str(echo)], echo, core=SERVER_CORE, log=other),
        running(command, port, core=SERVER_CORE, log=log, AIROUTER_ACCESS_LOG="false") as router,
        asking(port, echo, answers),
    ):
        started = Stage(router, config, answers, log)
        started.until_answered(time.monotonic() + AFTERWARDS)
        yield started


@contextlib.contextmanager
def asking(port: int, echo: int, answers: Path) -> Iterator[None]:
    """Ask for small answers."""
    answers.touch()
    command = python("benchmarks.hostile.asking", port, echo, GOOD, answers)
    process = subprocess.Popen(["taskset", "-c", str(LOAD_CORE), *command], cwd=ROOT)
    try:
        yield
    finally:
        process.kill()
        process.wait()
