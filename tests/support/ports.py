"""Ports for programs that cannot be told to take any: they are stopped and come back."""

from __future__ import annotations

import itertools
import os
import random
import socket

WORKERS = 8
"""Of pytest, each of which has its own ports; the Makefile starts no more."""
PORTS = 1500
NEXT = itertools.count(random.randrange(PORTS))
"""Of a worker's ports, one after the other: one whose program is down is not given to another."""


def free_port() -> int:
    """A port of 127.0.0.1 that stays free while its program is down.

    Not one that another worker takes, nor one that the kernel gives to outgoing connections, which
    on Linux begin at 32768.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 20_000 + worker % WORKERS * PORTS
    while True:
        port = first + next(NEXT) % PORTS
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
