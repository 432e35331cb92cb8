"""Whole answers that are read, of which a client's large ones wait for each other.

An answer is in memory from its first byte until its client has it, and more than once while it is
translated; TCP keeps the rest of one that is not read at its provider. So of a client's requests
the one whose answer began first gets all of it, and the others get theirs as long as all together
have few bytes. None is lost, and no client waits for another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from typing import Self

SMALL = 131_072
"""Bytes of an answer that count for nothing."""
TOGETHER = 50_331_648
"""Bytes that the answers to one client's requests may have while others than the first go on."""
AT_ONCE = 262_144
"""Bytes that a reply may get before it notices that it is to wait: one read of its connection."""


class Pausable(Protocol):
    """A reply, which may wait in the middle."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class AnswersInHand:
    """The whole answers that are read in this process."""

    def __init__(self, together: int = TOGETHER) -> None:
        """`together` is in bytes, for each client."""
        self._together = together
        self._by_client: dict[str, ClientAnswers] = {}

    def of(self, client: str) -> AnswerInHand:
        """Return what notes the answer to one request of a client."""
        return AnswerInHand(self, client)

    def size_of(self, client: str) -> int:
        """Return the bytes of the large answers to a client's requests."""
        answers = self._by_client.get(client)
        return 0 if answers is None else answers.size

    # What an answer tells.

    def grew(self, answer: AnswerInHand, by: int) -> None:
        """Have an answer wait if it is not the first, and all together have too much."""
        answers = self._by_client.setdefault(answer.client, ClientAnswers())
        answers.size += by
        answers.in_order.setdefault(answer)
        if answers.size > self._together and next(iter(answers.in_order)) is not answer:
            answer.pause()

    def given(self, answer: AnswerInHand) -> None:
        """Let others go on: the first, and as many of those after it as there is room for."""
        answers = self._by_client[answer.client]
        answers.size -= answer.size
        del answers.in_order[answer]
        if not answers.in_order:
            del self._by_client[answer.client]
        room = self._together - answers.size
        for number, waiting in enumerate(answers.in_order):
            if number and room <= 0:
                break
            waiting.resume()
            room -= AT_ONCE


class ClientAnswers:
    """The large answers to one client's requests, in the order in which they began."""

    __slots__ = ("in_order", "size")

    def __init__(self) -> None:
        self.in_order: dict[AnswerInHand, None] = {}
        self.size = 0


class AnswerInHand:
    """The answer to one request, of one reply or of several; as a context, for its time."""

    __slots__ = ("_all", "_replies", "client", "size")

    def __init__(self, all_: AnswersInHand, client: str) -> None:
        self._all = all_
        self._replies: dict[Pausable, int] = {}
        self.client = client
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._replies:
            self._all.given(self)

    def note(self, reply: Pausable, size: int) -> None:
        """Take note of the bytes that a reply has so far, which may have it wait."""
        if size <= SMALL:
            return
        by = size - self._replies.get(reply, 0)
        self._replies[reply] = size
        self.size += by
        self._all.grew(self, by)

    def pause(self) -> None:
        for reply in self._replies:
            reply.pause()

    def resume(self) -> None:
        for reply in self._replies:
            reply.resume()
