"""The bound over what clients have sent and are not answered for yet, shared out among them.

A client may hold as much as it leaves free (dynamic thresholds: Choudhury and Hahne, IEEE/ACM
Transactions on Networking 6(2), 1998): one alone at most half of all, a second at most half of the
rest. So none can take everything, however much it sends, and nothing has to be set for each.

What is counted is memory, not what was sent: a body as often as it is there. docs/security.md adds
up what the process takes at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.failures import overloaded

if TYPE_CHECKING:
    from typing import Self

SMALL = 8_192
"""Bytes that a request may have for nothing: it costs no more than its connection does."""
NOBODY = ""
"""The client of what has come without a key so far."""
OF_A_BODY = 2
"""Copies of a body while its request is served: as it came, and as it goes to a provider."""
OF_A_HISTORY = 3
"""Copies of what a request goes on from: by itself, in the request, and as that goes up."""
OF_NOBODY, OF_REQUESTS, OF_ANSWERS = 0.5, 1.0, 2.0
"""How many times what is left free a client may hold: an answer that was begun, or paid for, and
what was taken on in the background, get room where another request does not. What is nobody's yet
gets less: it comes beside all that its client holds.
"""


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

    def hold(self, client: str, size: int, copies: int = 1) -> Holding:
        """Return what holds copies of `size` bytes until its release. Raises `Failure` 503."""
        holding = Holding(self, client)
        holding.resize(size, copies)
        return holding

    def change(self, client: str, by: int, share: float) -> None:
        """Let a client hold more or fewer bytes. Raises `Failure` 503 where it may not have more.

        For `Holding`, which knows how many it has, and how many times what is free it may have.
        """
        held = self._by_client.get(client, 0) + by
        if by > 0 and held > share * (self._free - by):
            raise overloaded()
        self._free -= by
        if held:
            self._by_client[client] = held
        else:
            self._by_client.pop(client, None)


class Holding:
    """The bytes of one request, or of what waits on a connection; as a context, for its time."""

    __slots__ = ("_all", "_share", "client", "size")

    def __init__(self, all_: HeldBytes, client: str, share: float = OF_REQUESTS) -> None:
        self._all = all_
        self._share = share
        self.client = client
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.release()

    def resize(self, size: int, copies: int = 1) -> None:
        """Hold copies of `size` bytes from now on.

        Raises `Failure` 503, and then holds what it did.
        """
        self._change_to(size * copies if size > SMALL else 0)

    def grow(self, size: int, copies: int = 1) -> None:
        """Hold copies of `size` bytes more, of however few: there may be many such.

        Raises `Failure` 503, and then holds what it did.
        """
        self._change_to(self.size + size * copies)

    def _change_to(self, size: int) -> None:
        if size != self.size:
            self._all.change(self.client, size - self.size, self._share)
            self.size = size

    def another(self, size: int, copies: int = 1) -> Holding:
        """Return one more holding of the same client. Raises `Failure` 503."""
        return self._all.hold(self.client, size, copies)

    def of_answers(self) -> Holding:
        """Return one for answers to the same client, which holds nothing yet."""
        return Holding(self._all, self.client, OF_ANSWERS)

    def insist(self) -> None:
        """Get as much room as answers do from now on: the request was taken on."""
        self._share = OF_ANSWERS

    def release(self) -> None:
        """Hold nothing any more."""
        self.resize(0)
