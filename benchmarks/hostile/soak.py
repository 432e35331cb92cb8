"""All of it mixed, for minutes, with reloads: memory stays flat, and nothing fails inside.

Two inputs run at a time, in random order; a reload comes every few seconds. Each half minute prints
the memory, the slowest small answer, and what was sent.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import time
from collections import Counter
from collections.abc import Sequence

from benchmarks.hostile.asking import ECHO
from benchmarks.hostile.measured import MOST_MEMORY, slowest
from benchmarks.hostile.stage import LONGEST, Stage

AT_ONCE = 2
RELOAD_EVERY = 5.0
"""Seconds."""
LOOK_EVERY = 30.0
SHOWN = 5
"""Kinds of refusals that are shown."""
FAULTS = ("Traceback", "a request failed inside the router")


def soak(staged: Stage, names: Sequence[str], seconds: float) -> int:
    """Mix the inputs for so long; return 0 if memory stayed below its bound and no fault came."""
    chosen = random.Random()
    started = began = time.monotonic()
    reload_at = look_at = started
    attacks: dict[subprocess.Popen[bytes], str] = {}
    sent: set[str] = set()
    peaks: list[int] = []
    reloads = 0
    staged.forget_peak()
    while (now := time.monotonic()) < started + seconds:
        attacks = {each: name for each, name in attacks.items() if each.poll() is None}
        while len(attacks) < AT_ONCE:
            name = chosen.choice(names)
            attacks[staged.attack(name)] = name
            sent.add(name)
        if now >= reload_at:
            reloads += 1
            staged.reload(reloads)
            reload_at = now + RELOAD_EVERY
        if now >= look_at + LOOK_EVERY:
            peaks.append(staged.peak() >> 20)
            tell(staged, began, f"{now - started:.0f} s", peaks[-1])
            print(f"  of {', '.join(sorted(sent))}", flush=True)
            sent = set(attacks.values())
            staged.forget_peak()
            began = look_at = now
        time.sleep(0.05)
    for attack in attacks:
        with contextlib.suppress(subprocess.TimeoutExpired):
            attack.wait(LONGEST)
        attack.kill()
    staged.until_answered(time.monotonic())
    peaks.append(staged.peak() >> 20)
    log = staged.log.read_text()
    faults = [line for line in log.splitlines() if any(fault in line for fault in FAULTS)]
    tell(staged, started, f"all, {reloads} reloads", max(peaks))
    resting = staged.router.memory() >> 20
    print(f"{resting} MiB at rest; {len(faults)} faults in the log")
    print("\n".join(faults[:10]))
    return 0 if not faults and max(peaks) <= MOST_MEMORY else 1


def tell(staged: Stage, since: float, when: str, peak: int) -> None:
    """Print the memory and the small answers since a time."""
    answers = staged.answers_since(since)
    bad = Counter(f"{each.status} {each.said}" for each in answers if each.status != "200")
    worst = slowest(answers) * 1e3
    echoed = slowest(staged.answers_since(since, ECHO)) * 1e3
    print(
        f"{when}: {peak} MiB, slowest {worst:.0f} ms of {len(answers)} (echo {echoed:.0f} ms), "
        f"{bad.total()} not 200",
        *(f"  {times} times {what}" for what, times in bad.most_common(SHOWN)),
        sep="\n",
        flush=True,
    )
