"""Bytes that a connection has received and no request has yet.

Nobody knows whose bytes these are, so they are held for nobody. The body of a request that the
application serves waits in uvicorn's cycle until it is taken; those of thousands of connections
would wait there at once, and stay for as long as their requests do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from airouter.bounds.held_bytes import NOBODY, OF_NOBODY, Holding
from airouter.failures import Failure

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    from airouter.bounds.held_bytes import HeldBytes


class Unserved:
    """The bytes of one connection."""

    __slots__ = ("_holding", "cycle")

    def __init__(self, held: HeldBytes) -> None:
        self._holding = Holding(held, NOBODY, OF_NOBODY)
        self.cycle: RequestResponseCycle | None = None
        """The last one that uvicorn has served."""

    @property
    def is_held(self) -> bool:
        """True while any bytes are held."""
        return self._holding.size > 0

    @property
    def is_much(self) -> bool:
        """True while so much of a body waits for the application that no more is to be read."""
        return self._untaken > HIGH_WATER_LIMIT

    @property
    def _untaken(self) -> int:
        return 0 if self.cycle is None else len(self.cycle.body)

    def hold(self, size: int) -> bool:
        """Hold `size` bytes beside those of a body; return whether there is room for them."""
        try:
            self._holding.resize(size + self._untaken)
        except Failure:
            return False
        return True

    def admit(self, size: int) -> None:
        """Hold fewer bytes: so many are held for their client from here on."""
        self._holding.resize(max(0, self._holding.size - size))

    def drop_body(self) -> None:
        """Keep nothing more of a body that nobody will ask for, however long its request lives."""
        if self.cycle is not None:
            self.cycle.body.clear()

    def let_go(self) -> None:
        """Let go of everything: the connection is lost, or another's."""
        self.drop_body()
        self._holding.release()
        self.cycle = None
