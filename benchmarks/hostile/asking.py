"""`python -m benchmarks.hostile.asking PORT ECHO KEY FILE` asks for small answers.

Each 50 ms, until it is ended, it asks the router, and the echo beside it. FILE gets a line for each
answer: which of the two, when it was due (seconds of the monotonic clock, which all processes
share), how many seconds it took from then, its status, and what was said where that is not 200.
What none answers is no line.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import NamedTuple, TextIO

import uvloop

EVERY = 0.05
BODY = b'{"model":"mocked","messages":[{"role":"user","content":"hi"}]}'
REQUEST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: router\r\nauthorization: Bearer %b\r\n"
    b"content-length: %d\r\n\r\n%b"
)
ROUTER, ECHO = "router", "echo"


class Answer(NamedTuple):
    """A small answer; times are seconds."""

    of: str
    due: float
    took: float
    status: str
    said: str
    """The body of an answer that is not 200, or what broke the connection."""


def read_answers(file: Path) -> list[Answer]:
    """Return the answers so far."""
    answers = []
    for line in file.read_text().splitlines():
        of, due, took, status, said = line.split(" ", 4)
        answers.append(Answer(of, float(due), float(took), status, said))
    return answers


class Asker:
    """Asks one server, over connections that are kept."""

    def __init__(self, name: str, port: int, request: bytes, file: TextIO) -> None:
        self._name = name
        self._port = port
        self._request = request
        self._file = file
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, due: float) -> None:
        """Ask once; a connection that breaks is an answer with status 0."""
        status, said = "0", ""
        try:
            # One that was idle for a minute is closed by now, as any client finds out.
            self._idle = [each for each in self._idle if not each[0].at_eof()]
            if self._idle:
                reader, writer = self._idle.pop()
            else:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(self._request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            size = int(head.partition(b"content-length:")[2].split(b"\r")[0])
            body = await reader.readexactly(size)
            status = head[9:12].decode()
            said = "" if status == "200" else " ".join(body.decode().split())
            self._idle.append((reader, writer))
        except (OSError, asyncio.IncompleteReadError) as error:
            said = repr(error)
        took = time.monotonic() - due
        self._file.write(f"{self._name} {due:.6f} {took:.6f} {status} {said}\n")
        self._file.flush()


async def ask(port: int, echo: int, key: str, file: TextIO) -> None:
    """Ask both until the process is ended."""
    request = REQUEST % (key.encode(), len(BODY), BODY)
    askers = Asker(ROUTER, port, request, file), Asker(ECHO, echo, request, file)
    due = time.monotonic()
    asked: set[asyncio.Task[None]] = set()
    while True:
        for asker in askers:
            task = asyncio.create_task(asker.ask(due))
            asked.add(task)
            task.add_done_callback(asked.discard)
        due += EVERY
        await asyncio.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    with Path(sys.argv[4]).open("w") as answers:
        uvloop.run(ask(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], answers))
