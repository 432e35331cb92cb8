"""The ledger in the operator that feeds the pods: an exchange is one request, beside the polls.

Its address, certificates and token are those of the stream. A new leader's ledger has no memory,
which the pods tell it (`bookkeeping/book.py`).
"""

from __future__ import annotations

import asyncio
from http.client import OK, SERVICE_UNAVAILABLE
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from airouter.bookkeeping.messages import TOO_LATE, LedgerAnswer
from airouter.bookkeeping.window import STEPS_PER_SECOND
from airouter.config.delivery import LEDGER_PATH, MAX_LEDGER_MESSAGE
from airouter.eventloop.pauses import pause_after
from airouter.http.following import FollowingConnection
from airouter.http.kept import NoAnswer
from airouter.limits.ledger.base import LedgerError, RemoteLedger
from airouter.untrusted import decoded

if TYPE_CHECKING:
    from airouter.bookkeeping.messages import LedgerMessage, Line
    from airouter.config.delivery import Stream

TIMEOUT = 0.5
"""Seconds for all of one exchange."""
MAX_ANSWER = 1_048_576
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 4.0
"""Seconds in which an operator that kept silent is left alone; twice as many each time."""
BROKEN = "the operator: a broken reply"
ANSWERS = msgspec.json.Decoder(LedgerAnswer)


class OperatorLedger(RemoteLedger):
    """A ledger at the address of a stream, which may change."""

    def __init__(self, timeout: float = TIMEOUT) -> None:
        """`timeout` is seconds."""
        self._timeout = timeout
        self._connection = FollowingConnection(LEDGER_PATH, patience=timeout, body_limit=MAX_ANSWER)
        self._silences = 0
        """Times in a row that the operator kept silent."""
        self._pauses_until = 0.0

    def follow(self, stream: Stream) -> None:
        """Ask the operator of that stream from now on."""
        if self._connection.follow(stream):
            self._silences, self._pauses_until = 0, 0.0

    async def exchange(self, message: LedgerMessage) -> LedgerAnswer:
        if monotonic() < self._pauses_until:
            raise LedgerError("the operator: left alone, as it kept silent")
        try:
            async with asyncio.timeout(self._timeout):
                content = await ask(self._connection, message_body(message))
        except TimeoutError:
            self._be_patient()
            raise LedgerError("the operator: TimeoutError") from None
        except NoAnswer as why:
            raise LedgerError(f"the operator: {why}") from None
        self._silences = 0
        answer = decoded(ANSWERS, content, LedgerError, BROKEN)
        if answer.share != TOO_LATE and len(answer.grants) != len(message.lines):
            raise LedgerError(BROKEN)
        return answer

    async def close(self) -> None:
        """Hang up; the address stays known."""
        self._connection.hang_up()

    def _be_patient(self) -> None:
        """Leave an operator alone that is slow: handshakes of all pods would make it slower."""
        self._silences += 1
        pause = pause_after(self._silences, FIRST_PAUSE, LONGEST_PAUSE)
        self._pauses_until = monotonic() + pause


async def ask(connection: FollowingConnection, body: bytes) -> bytes:
    """Return the answer to a message. Raises `NoAnswer`, or `LedgerError` where that is no answer.

    Behind a Service another connection may lead to the replica that leads, so it is tried once.
    """
    reply, content = await connection.ask(body)
    if reply.status == SERVICE_UNAVAILABLE:
        connection.hang_up()
        reply, content = await connection.ask(body)
    if reply.status != OK:
        connection.hang_up()
        raise LedgerError(f"the operator: answered {reply.status}")
    return content


def message_body(message: LedgerMessage) -> bytes:
    """Return a message as JSON, which fits: after a long silence, without the twentieths."""
    body = msgspec.json.encode(message)
    if len(body) <= MAX_LEDGER_MESSAGE:
        return body
    lines = [msgspec.structs.replace(line, uses=uses_by_seconds(line)) for line in message.lines]
    return msgspec.json.encode(msgspec.structs.replace(message, lines=lines))


def uses_by_seconds(line: Line) -> list[tuple[int, int]]:
    """Return the uses of a line by whole seconds, each as late as the last of them."""
    uses: dict[int, int] = {}
    for age, amount in line.uses:
        second = age - age % STEPS_PER_SECOND
        uses[second] = uses.get(second, 0) + amount
    return list(uses.items())
