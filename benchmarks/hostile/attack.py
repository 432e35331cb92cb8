"""`python -m benchmarks.hostile.attack PORT KEY INPUT` sends one of the inputs."""

from __future__ import annotations

import sys

import uvloop

from benchmarks.hostile.inputs import INPUTS
from benchmarks.hostile.sending import Target


async def attack(port: int, key: str, name: str) -> None:
    """Send an input."""
    await INPUTS[name](Target(port, key.encode()))


if __name__ == "__main__":
    uvloop.run(attack(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
