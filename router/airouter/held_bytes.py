"""The bound over what clients have sent and are not answered for yet, shared out among them.

A client may hold as much as it leaves free (dynamic thresholds: Choudhury and Hahne, IEEE/ACM
Transactions on Networking 6(2), 1998): one alone at most half of all, a second at most half of the
rest. So none can take everything, however much it sends, and nothing has to be set for each.
"""

from __future__ import annotations

from airouter.failures import overloaded

SMALL = 8_192
"""Bytes that a request may have for nothing: it costs no more than its connection does."""
NOBODY = ""
"""The client of what has come without a key so far."""


class HeldBytes:
    """The bytes that the requests of this process hold."""

    def __init__(self, limit: int) -> None:
        """`limit` is in bytes, for all clients together."""
        self._free = limit
        self._by_client: dict[str, int] = {}

    @property
    def held(self) -> int:
        """Bytes that all clients hold."""
        return sum(self._by_client.values())

    def hold(self, client: str, size: int) -> Holding:
        """Return what holds `size` bytes until its release. Raises `Failure` 503."""
        holding = Holding(self, client)
        holding.resize(size)
        return holding

    def change(self, client: str, by: int) -> None:
        """Let a client hold more or fewer bytes. Raises `Failure` 503 where it may not have more.

        For `Holding`, which knows how many it has.
        """
        held = self._by_client.get(client, 0) + by
        if by > 0 and held > self._free - by:
            raise overloaded()
        self._free -= by
        if held:
            self._by_client[client] = held
        else:
            self._by_client.pop(client, None)


class Holding:
    """The bytes of one request, or of what is unread of a connection."""

    __slots__ = ("_all", "_client", "size")

    def __init__(self, all_: HeldBytes, client: str) -> None:
        self._all = all_
        self._client = client
        self.size = 0

    def resize(self, size: int) -> None:
        """Hold `size` bytes from now on. Raises `Failure` 503, and then holds what it did."""
        counted = size if size > SMALL else 0
        if counted != self.size:
            self._all.change(self._client, counted - self.size)
            self.size = counted

    def another(self, size: int) -> Holding:
        """Return one more holding of the same client. Raises `Failure` 503."""
        return self._all.hold(self._client, size)

    def release(self) -> None:
        """Hold nothing any more."""
        self.resize(0)
