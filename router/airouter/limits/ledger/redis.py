"""The ledger inside a Redis, as one script: a round trip for each exchange, whatever is in it.

Its clock is that of Redis, so those of pods do not matter. All keys begin with `airouter:ledger:`.
They have no hash tag, as `state/redis.py` knows no Redis Cluster either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.bookkeeping.messages import RULES, TOO_LATE, LedgerAnswer
from airouter.limits.ledger.base import LedgerError, RemoteLedger
from airouter.redis.script import TIMEOUT, RedisScript, RedisSilent

if TYPE_CHECKING:
    from airouter.bookkeeping.messages import LedgerMessage

PREFIX = "airouter:ledger:"
RULES_TEXT = msgspec.json.encode(RULES)


class RedisLedger(RemoteLedger):
    """A ledger at the URL of a Redis. A message that is sent again it tells by its number."""

    def __init__(self, url: str, prefix: str = PREFIX, timeout: float = TIMEOUT) -> None:
        """`url` may have a password in it, which no error shows.

        `timeout` is seconds for all of one exchange.
        """
        self._prefix = prefix
        self._script = RedisScript(url, "airouter.limits.ledger", "ledger.lua", timeout)

    async def exchange(self, message: LedgerMessage, now: int | str = "") -> LedgerAnswer:
        """Return the answer; `now` is the step that a test wants it to be."""
        keys = [self._prefix + "state", self._prefix + "pods"]
        for line in message.lines:
            keys += (f"{self._prefix}uses:{line.key}", f"{self._prefix}outs:{line.key}")
        try:
            reply = await self._script.run(keys, (msgspec.json.encode(message), now, RULES_TEXT))
        except RedisSilent as why:
            raise LedgerError(f"Redis: {why}") from None
        if not isinstance(reply, bytes):
            raise LedgerError("Redis: a message came late")
        try:
            answer = msgspec.json.decode(reply, type=LedgerAnswer)
        except msgspec.DecodeError:
            raise LedgerError("Redis: a broken reply") from None
        if answer.share != TOO_LATE and len(answer.grants) != len(message.lines):
            raise LedgerError("Redis: a broken reply")
        return answer

    async def close(self) -> None:
        """Let go of connections. Never raises."""
        await self._script.close()
